import { asRoostError, type CallEnv, type PeerId } from '../../overlay/index.ts'
import type { JobService } from './job-service.ts'
import type { JobStore } from './stores.ts'
import { BOARD_ASK_MS, BoardStore, type BoardAsker } from './board-store.ts'
import type { JobBoard } from './board.ts'

/** How soon a node sees that it leads a board's group, or does not any more. Shorter takes over sooner, and looks more often. */
export const BOARD_LOOK_MS = 250

/** A board that this node has a replica of, as its group stands. */
export interface BoardReplica {
  readonly name: string
  readonly isLeader: boolean
  /** Undefined before the replica knows whose board it is. */
  readonly board: JobBoard | undefined
  readonly asker: BoardAsker
}

export interface KeeperActions {
  readonly onTrouble: (board: string, error: unknown) => void
  /** What is to be done before the jobs on a board are taken up. */
  readonly onTaken?: (home: PeerId, store: JobStore) => Promise<void>
}

/**
 * Has this node control the jobs of every board whose group it leads: when the group chooses it, it takes the board under a new epoch
 * and goes on with the jobs that stand there; when another leads, it lets go. Whoever leads without knowing better is stopped by the
 * epoch alone.
 */
export class BoardKeeper {
  readonly #service: JobService
  readonly #replicas: () => readonly BoardReplica[]
  readonly #actions: KeeperActions
  /** Boards that are held here, or being taken. */
  readonly #held = new Map<string, { home?: string }>()

  constructor(service: JobService, replicas: () => readonly BoardReplica[], actions: KeeperActions) {
    this.#service = service
    this.#replicas = replicas
    this.#actions = actions
  }

  /** Until the protocol stops; rejects with `CANCELLED` then. */
  async run(env: Pick<CallEnv<never, never>, 'sleep'>): Promise<void> {
    for (;;) {
      this.look()
      await env.sleep(BOARD_LOOK_MS)
    }
  }

  look(): void {
    const led = this.#replicas().filter(({ isLeader, board }) => isLeader && board !== undefined)
    for (const name of this.#held.keys()) if (!led.some((replica) => replica.name === name)) this.#letGo(name)
    for (const replica of led) {
      if (this.#held.has(replica.name)) continue
      this.#held.set(replica.name, {})
      this.#take(replica).catch((thrown: unknown) => {
        this.#letGo(replica.name)
        if (asRoostError(thrown).code !== 'CANCELLED') this.#actions.onTrouble(replica.name, thrown)
      })
    }
  }

  async #take({ name, board, asker }: BoardReplica): Promise<void> {
    const holding = this.#held.get(name)!
    const { epoch } = await asker.execute({ type: 'lead' }, { timeoutMs: BOARD_ASK_MS })
    const { mandate } = board!.head!
    if (this.#held.get(name) !== holding) return
    holding.home = mandate.home
    const onSuperseded = (): void => {
      if (this.#held.get(name) === holding) this.#letGo(name)
    }
    const store = new BoardStore(board!, asker, { epoch, onSuperseded })
    await this.#actions.onTaken?.(mandate.home, store)
    await this.#service.lead({ home: mandate.home, epoch, mandate }, store)
  }

  #letGo(name: string): void {
    const home = this.#held.get(name)?.home
    this.#held.delete(name)
    if (home !== undefined) this.#service.yield(home)
  }
}
