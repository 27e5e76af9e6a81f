/**
 * The environment of an isolated unit. A job says what it likes in it, and much of that means something to the very programs that make the view,
 * outside of it and with the daemon's rights: LD_PRELOAD, PATH, PERL5OPT. So they get a plain one, in which the unit's own travels under
 * names that mean nothing, and a shell on the inside puts it in place.
 */

/** Names that no job may give: `ROOST_...` is roost's own. */
const PASSED = 'ROOST_PASSED_'

/** `command` makes a name that a shell does not let be set (UID in some) an error like others, and not the end. */
const UNPACK = `
${PASSED}LEFT=$1
shift
while [ "$${PASSED}LEFT" -gt 0 ]; do
  ${PASSED}LEFT=$((${PASSED}LEFT - 1))
  eval "command export \\"\\$${PASSED}$${PASSED}LEFT\\"" 2>/dev/null
  unset "${PASSED}$${PASSED}LEFT"
done
exec "$@"
`

/** The environment for what is outside, and a program with arguments, before those of the command, that makes `env` of it. */
export function packEnvironment(env: Readonly<Record<string, string>>): {
  readonly packed: Record<string, string>
  readonly unpack: readonly string[]
} {
  const entries = Object.entries(env)
  const packed = Object.fromEntries(entries.map(([name, value], index) => [`${PASSED}${index}`, `${name}=${value}`]))
  return { packed, unpack: ['/bin/sh', '-c', UNPACK, 'roost-environment', String(entries.length)] }
}
