export * from './env/index.ts'
export * from './error/index.ts'
