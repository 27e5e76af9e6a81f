let interrupt: AbortController | undefined

/**
 * Aborted by the first ctrl-c, so that a command can end well; a second one ends the process at once. Only who asks for it
 * changes what ctrl-c does: a daemon in the foreground has its own way.
 */
export function interruptSignal(): AbortSignal {
  if (!interrupt) {
    const controller = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
    interrupt = controller
  }
  return interrupt.signal
}
