import type { Action } from '../action.ts'

/** What roost's own commands do. Each is loaded when it is used: a command line is as quick as what it needs. */
export const actions = {
  up: async () => (await import('./up.ts')).up,
  down: async () => (await import('./down.ts')).down,
  status: async () => (await import('./status.ts')).status,
  doctor: async () => (await import('./doctor.ts')).doctor,
  join: async () => (await import('./join.ts')).join,
  invite: async () => (await import('./invite.ts')).invite,
  leave: async () => (await import('./leave.ts')).leave,
  nodes: async () => (await import('./nodes.ts')).nodes,
  showNode: async () => (await import('./node.ts')).showNode,
  labelNode: async () => (await import('./node.ts')).labelNode,
  find: async () => (await import('./find.ts')).find,
  checkNet: async () => (await import('./net.ts')).checkNet,
  publishApplication: async () => (await import('./app.ts')).publishApplication,
  findApplications: async () => (await import('./app.ts')).findApplications,
  removeApplication: async () => (await import('./app.ts')).removeApplication,
  connectApplication: async () => (await import('./app-connect.ts')).connectApplication,
  evaluateExpression: async () => (await import('./expr.ts')).evaluateExpression,
  devUp: async () => (await import('./dev.ts')).devUp,
  devKill: async () => (await import('./dev.ts')).devKill,
  devRestart: async () => (await import('./dev.ts')).devRestart,
  devDown: async () => (await import('./dev.ts')).devDown,
  devDemo: async () => (await import('./dev.ts')).devDemo,
  completion: async () => (await import('./completion.ts')).completion,
} satisfies Record<string, () => Promise<Action>>
