/**
 * Every setting: what a configuration file calls it, the environment variable and the flag that come before the file,
 * and one line for people. docs/configuration.md lists them all; a test keeps it complete.
 */
export const SETTING_KEYS = {
  data: { env: 'ROOST_DATA', flag: '--data', about: "the daemon's directory: keys, database, sockets" },
  user: { env: undefined, flag: undefined, about: "the directory of the user's key and certificates" },
  'user-name': { env: 'ROOST_USER_NAME', flag: undefined, about: "the user's name in a new certificate" },
  name: { env: 'ROOST_NAME', flag: '--name', about: 'what people call this node' },
  listen: { env: 'ROOST_LISTEN', flag: '--listen', about: 'IP addresses to listen on' },
  port: { env: 'ROOST_PORT', flag: '--port', about: 'TCP port for other nodes; 0 takes any free one' },
  'api-port': { env: 'ROOST_API_PORT', flag: '--api-port', about: 'loopback port of the HTTP surface; 0 takes any' },
  plugins: {
    env: undefined,
    flag: undefined,
    about: 'plugins by name, each with its settings; `false` leaves one out',
  },
  labels: { env: 'ROOST_LABELS', flag: undefined, about: 'attributes of your own' },
  software: { env: 'ROOST_SOFTWARE', flag: undefined, about: 'programs to offer as `Software`' },
  'log-level': { env: 'ROOST_LOG_LEVEL', flag: '--log-level', about: 'debug, info, warn or error' },
} as const satisfies Record<string, { env: string | undefined; flag: string | undefined; about: string }>

export type SettingKey = keyof typeof SETTING_KEYS

/** Settings as text, as flags and environment variables give them. */
export type SettingTexts = Readonly<Partial<Record<SettingKey, string>>>
