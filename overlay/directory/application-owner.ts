import { RoostError } from '../error/index.ts'

/** Stands in place of an owner's id where whoever publishes a name will do. */
export const ANY_OWNER = 'any'

/** Owners that an error names. */
const OWNERS_TOLD_COUNT_MAX = 10

/** A name without its owner says too little: taking one of them would let anybody come in between. */
export function severalOwners(name: string, owners: readonly string[]): RoostError {
  return new RoostError('ID_AMBIGUOUS', `${owners.length} owners publish a ${name}`, {
    data: { owners: owners.slice(0, OWNERS_TOLD_COUNT_MAX) },
    hint: `say whose: \`${owners[0]}/${name}\`, or \`${ANY_OWNER}/${name}\`; \`roost app find\` shows the owners`,
  })
}
