export { Attacker } from './attacker.ts'
export { Collusion, SAMPLING_ATTACKS, type AttackName } from './collusion.ts'
export { HostileHost } from './hostile-host.ts'
