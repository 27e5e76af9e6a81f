import type { DevTools } from './grid.ts'

export async function runDemo(_tools: DevTools, _options: { readonly keep: boolean }): Promise<void> {}
