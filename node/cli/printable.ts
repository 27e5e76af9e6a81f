/** C0 and C1 control characters but for tab and newline. */
// oxlint-disable-next-line no-control-regex -- naming them is the point
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * Text from other machines, fit for a terminal: a node's name or a job's reason may hold escape sequences that would
 * move the cursor, change a title or hide what follows.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, '\ufffd')
}
