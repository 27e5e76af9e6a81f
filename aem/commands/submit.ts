import { dirname, resolve } from 'node:path'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { readJob } from './job-file.ts'
import { inputsOf, submitDescription } from './submission.ts'

/** `roost submit FILE|-`: prints the job's id. Input files are looked for beside the job file. */
export async function submit(context: CommandContext, file: string): Promise<void> {
  const { raw, description } = await readJob(file)
  const directory = file === '-' ? process.cwd() : dirname(resolve(file))
  const id = await submitDescription(context, { raw, inputs: inputsOf(description, directory) })
  context.output.document({ id })
  context.output.line(id)
}
