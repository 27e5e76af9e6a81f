export * from './attributes/index.ts'
export * from './env/index.ts'
export * from './error/index.ts'
export * from './vo/index.ts'
