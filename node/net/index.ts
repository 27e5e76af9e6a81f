export type { Admission, Admitted, Network, NetworkDependencies, NetworkOptions } from './contract.ts'
