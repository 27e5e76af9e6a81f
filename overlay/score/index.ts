export { OFFENCE_WEIGHTS, weightOf } from './offences.ts'
export { PeerScores, SCORE_DEFAULTS, type CutOff, type ScoreOptions } from './peer-scores.ts'
