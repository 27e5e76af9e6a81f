import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

// Loaded before `roost` with --import: notes every module that is loaded, imported or required.
const file = process.env['RECORD_MODULES_IN']!
registerHooks({
  load(url, context, next) {
    appendFileSync(file, `${url}\n`)
    return next(url, context)
  },
})
