export { parseLabel } from './label.ts'
export { defaultPaths, type DefaultPaths, type Environment } from './paths.ts'
export { loadSettings, type Settings, type SettingsSources } from './settings.ts'
export { SETTING_KEYS, type SettingKey, type SettingTexts } from './keys.ts'
