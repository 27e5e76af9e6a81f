import { execFile } from 'node:child_process'

/** A program that tells more than this about itself is cut off. */
const OUTPUT_BYTES_MAX = 65_536

/** What a program prints, on either stream; undefined where it is missing, fails or takes too long. */
export function run(
  program: string,
  args: readonly string[],
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX, cwd: '/' },
      (error, stdout, stderr) => resolve(error ? undefined : stdout + stderr),
    )
    child.stdin?.end()
  })
}
