export { measureDynamic, type DynamicOptions } from './dynamic.ts'
export { measureStatic, withLabels, type StaticOptions } from './static.ts'
