/** Cycles after a disaster until the grid must be whole again. */
export const RECOVERY_CYCLES = 20
