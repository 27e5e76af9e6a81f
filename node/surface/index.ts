export { type ApplicationSurface } from './application-routes.ts'
export type {
  ApplicationReport,
  FindApplicationsReply,
  FindApplicationsRequest,
  PublishRequest,
  TunnelLine,
} from './application-schemas.ts'
export { coreRoutes, refuseInvalid, type Core } from './core-routes.ts'
export type {
  DoctorReply,
  FindLine,
  FindReply,
  FindRequest,
  FoundNode,
  Invite,
  LabelsRequest,
  NetCheck,
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
  SOCKET_PATH_BYTES_MAX,
  type NodeListener,
} from './listen.ts'
export { MetricsRegistry } from './metrics.ts'
export {
  createSurface,
  type CoreRoutes,
  REQUEST_BYTES_MAX,
  type PluginRoutes,
  type Surface,
  type SurfaceDependencies,
} from './surface.ts'
export type { OpenTunnel, TunnelNews } from './tunnel-lines.ts'
