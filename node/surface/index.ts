export { coreRoutes, refuseInvalid, type Core, type CoreRoutes } from './core-routes.ts'
export type {
  DoctorReply,
  FindLine,
  FindReply,
  FindRequest,
  FoundNode,
  Invite,
  LabelsRequest,
  NodeReport,
  Status,
} from './core-schemas.ts'
export { httpStatus } from './http-status.ts'
export {
  bearerCaller,
  closeServer,
  listenOnLoopback,
  listenOnSocket,
  nodeListener,
  type NodeListener,
} from './listen.ts'
export { MetricsRegistry } from './metrics.ts'
export {
  createSurface,
  REQUEST_BYTES_MAX,
  type PluginRoutes,
  type Surface,
  type SurfaceDependencies,
} from './surface.ts'
