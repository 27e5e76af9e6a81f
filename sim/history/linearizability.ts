/**
 * Whether a history of concurrent operations could have happened one at a time, each at some moment between its call and its
 * return: linearizability (Herlihy and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", 1990).
 *
 * The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993), with Lowe's memory of configurations
 * that were tried ("Testing for Linearizability", 2017), as in Porcupine. Operations on different keys are checked apart, since a
 * history is linearizable if each object's part of it is (locality, Herlihy and Wing).
 */

export interface Operation<Input, Output> {
  /** Operations of one key share a state. */
  readonly key: string
  readonly input: Input
  /** What was answered; `undefined` where nobody knows: it may take effect at any time after its call, or never. */
  readonly output: Output | undefined
  /** Places in one order of all calls and returns. */
  readonly call: number
  readonly return: number
}

export interface Model<State extends string | number, Input, Output> {
  readonly initial: State
  /** The state after an operation with this output; `undefined` where it cannot have had that output. */
  step(state: State, input: Input, output: Output | undefined): State | undefined
}

/** The first key, in words, whose operations have no order; undefined where all have. */
export function findNonlinearizable<State extends string | number, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): string | undefined {
  const byKey = Map.groupBy(operations, ({ key }) => key)
  for (const [key, some] of byKey)
    if (!isLinearizable(some, model))
      return `no order explains key ${key}:\n${some
        .map(({ call, return: end, input, output }) => `  [${call}, ${end}] ${JSON.stringify({ input, output })}`)
        .join('\n')}`
  return undefined
}

/** Before the first. */
interface Head<Input, Output> {
  next: Mark<Input, Output> | undefined
}

/** A call or a return in the list that the search walks; a call knows its return. */
interface Mark<Input, Output> {
  readonly number: number
  readonly operation: Operation<Input, Output>
  readonly return: Mark<Input, Output> | undefined
  previous: Head<Input, Output> | undefined
  next: Mark<Input, Output> | undefined
}

function isLinearizable<State extends string | number, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): boolean {
  const head = listOf(operations)
  const taken = new Int32Array(Math.ceil(operations.length / 31))
  const tried = new Set<string>()
  const stack: { readonly mark: Mark<Input, Output>; readonly state: State }[] = []
  let state = model.initial
  let at = head.next
  let definiteLeft = operations.filter(({ output }) => output !== undefined).length
  while (definiteLeft > 0 && at !== undefined) {
    if (at.return !== undefined) {
      const { input, output } = at.operation
      const after = model.step(state, input, output)
      flip(taken, at.number)
      const configuration = after === undefined ? '' : `${taken.join()}|${after}`
      if (after !== undefined && !tried.has(configuration)) {
        tried.add(configuration)
        stack.push({ mark: at, state })
        state = after
        if (output !== undefined) definiteLeft--
        lift(at)
        at = head.next
      } else {
        flip(taken, at.number)
        at = at.next
      }
    } else {
      // A return whose call was not taken: something before it was taken wrongly.
      const last = stack.pop()
      if (last === undefined) return false
      state = last.state
      flip(taken, last.mark.number)
      if (last.mark.operation.output !== undefined) definiteLeft++
      unlift(last.mark)
      at = last.mark.next
    }
  }
  return definiteLeft === 0
}

/** One bit for each operation: whether it was taken. */
function flip(taken: Int32Array, number: number): void {
  taken[Math.floor(number / 31)]! ^= 1 << (number % 31)
}

/** Calls and returns in their order, behind a head. Who was never answered returns after everything else. */
function listOf<Input, Output>(operations: readonly Operation<Input, Output>[]): Head<Input, Output> {
  const marks: { readonly place: number; readonly mark: Mark<Input, Output> }[] = []
  for (const [number, operation] of operations.entries()) {
    const end: Mark<Input, Output> = { number, operation, return: undefined, previous: undefined, next: undefined }
    const call: Mark<Input, Output> = { number, operation, return: end, previous: undefined, next: undefined }
    marks.push({ place: operation.call, mark: call })
    marks.push({ place: operation.output === undefined ? Infinity : operation.return, mark: end })
  }
  marks.sort((one, other) => (one.place === other.place ? 0 : one.place - other.place))
  const head: Head<Input, Output> = { next: marks[0]?.mark }
  for (const [place, { mark }] of marks.entries()) {
    mark.previous = marks[place - 1]?.mark ?? head
    mark.next = marks[place + 1]?.mark
  }
  return head
}

function lift<Input, Output>(call: Mark<Input, Output>): void {
  for (const mark of [call, call.return!]) {
    mark.previous!.next = mark.next
    if (mark.next) mark.next.previous = mark.previous
  }
}

function unlift<Input, Output>(call: Mark<Input, Output>): void {
  for (const mark of [call.return!, call]) {
    mark.previous!.next = mark
    if (mark.next) mark.next.previous = mark
  }
}
