export { questionOf, readQuestions, readWant } from './file.ts'
export { generateQuestions, type GenerateOptions } from './generate.ts'
export { WANT_ALL, type Question } from './question.ts'
export { translatePredicate } from './translate.ts'
