import { envSuite } from '../../suite/env.ts'
import { makeNetworkWorld } from './env-world.ts'

envSuite('libp2p and real time', makeNetworkWorld)
