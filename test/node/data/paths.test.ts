import { expect, test } from 'vitest'
import { configDirectoryPath, dataDirectoryPath } from '../../../node/data/index.ts'

const data = (env: Record<string, string>, asked?: string, uid = 1000): string => dataDirectoryPath(asked, { env, uid })
const config = (env: Record<string, string>, asked?: string, uid = 1000): string =>
  configDirectoryPath(asked, { env, uid })

test('what was asked for comes before the environment, and that before the usual places', () => {
  const env = {
    ROOST_DATA: '/d',
    ROOST_CONFIG_DIR: '/c',
    XDG_DATA_HOME: '/xd',
    XDG_CONFIG_HOME: '/xc',
    HOME: '/home/ada',
  }
  expect(data(env, '/asked')).toBe('/asked')
  expect(data(env)).toBe('/d')
  expect(config(env, '/asked')).toBe('/asked')
  expect(config(env)).toBe('/c')
})

test('a user has the places of the XDG specification', () => {
  const env = { XDG_DATA_HOME: '/xd', XDG_CONFIG_HOME: '/xc', HOME: '/home/ada' }
  expect(data(env)).toBe('/xd/roost')
  expect(config(env)).toBe('/xc/roost')
  expect(data({ HOME: '/home/ada' })).toBe('/home/ada/.local/share/roost')
  expect(config({ HOME: '/home/ada' })).toBe('/home/ada/.config/roost')
  expect(data({ XDG_DATA_HOME: 'relative', HOME: '/home/ada' })).toBe('/home/ada/.local/share/roost')
})

test('a service without a home has those of the machine', () => {
  expect(data({}, undefined, 0)).toBe('/var/lib/roost')
  expect(data({ HOME: '/' }, undefined, 0)).toBe('/var/lib/roost')
  expect(config({}, undefined, 0)).toBe('/etc/roost')
})
