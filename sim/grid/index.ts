export { SamplingGrid, type SamplingGridOptions } from './sampling-grid.ts'
