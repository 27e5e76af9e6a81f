/** How many characters the name of a grid or of a member may have. The bound of X.520 for a common name is 64. */
export const NAME_CHARS_MAX = 40

/** Whether a grid may be called this: letters, digits, `.`, `_` and `-` of ASCII, beginning with a letter or digit. */
export function isVoName(name: string): boolean {
  return name.length <= NAME_CHARS_MAX && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)
}

/** Whether a member may be called this: letters and digits of any script, spaces and `. _ - @ '` between them. */
export function isMemberName(name: string): boolean {
  return name.length <= NAME_CHARS_MAX && /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._@'-]*[\p{L}\p{M}\p{N}])?$/u.test(name)
}
