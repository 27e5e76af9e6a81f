import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatTicket,
  parseTicket,
  RoostError,
  TICKET_CHARS_MAX,
  TICKET_PREFIX,
  ticketPeer,
} from '../../../overlay/index.ts'
import type { Ticket } from '../../../overlay/index.ts'

const PEER = '12D3KooWJrcD8moMtS7L4Kdhwbv6HWUTNSDrMmVAyNYmydTnj84z'
const OTHER_PEER = '12D3KooWQTwwAWNibbiasScand6j2Br1TFkrHqvdizrYLEowQwad'

const ticket: Ticket = {
  name: 'quiet-heron',
  fingerprint: 'f500e73edb85df353f72fb5eabd798f9aacbd28d3bba993b2f1db6af88167f8e',
  secret: Uint8Array.from({ length: 16 }, (_, index) => index * 16),
  expiresAtMs: 1_797_861_048_000,
  addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`, `/dns4/grid.example.org/tcp/4001/p2p/${PEER}`],
}

function tickets(): fc.Arbitrary<Ticket> {
  const where = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `/ip4/${ip}/tcp/${port}`),
    fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `/ip6/${ip}/tcp/${port}`),
  )
  return fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/),
    fingerprint: fc.stringMatching(/^[0-9a-f]{64}$/),
    secret: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    expiresAtMs: fc.integer({ min: 0, max: 2 ** 36 }).map((seconds) => seconds * 1000),
    addresses: fc.array(
      where.map((place) => `${place}/p2p/${PEER}`),
      { minLength: 1, maxLength: 8 },
    ),
  })
}

function refusal(text: string): RoostError {
  try {
    parseTicket(text)
  } catch (error) {
    if (error instanceof RoostError) return error
    throw error
  }
  throw new Error(`taken for a ticket: ${text}`)
}

describe('the text form', () => {
  test('says what was said', () => {
    fc.assert(fc.property(tickets(), (any) => void expect(parseTicket(formatTicket(any))).toEqual(any)))
  })

  test('is the same for every release', () => {
    expect(formatTicket(ticket)).toBe(
      'roost1-ALUAECAwQFBgcICQoLDA0ODw9QDnPtuF3zU_cvteq9eY-arL0o07upk7Lx22r4gWf44AaykuuAtxdWlldC1oZXJvbjQxMkQzS29vV0pyY0Q4bW9NdFM3TDRLZGh3YnY2SFdVVE5TRHJNbVZBeU5ZbXlkVG5qODR6AhcvaXA0LzEyNy4wLjAuMS90Y3AvNDAwMR8vZG5zNC9ncmlkLmV4YW1wbGUub3JnL3RjcC80MDAxLpNYnA',
    )
  })

  test('knows the node that redeems it', () => {
    expect(ticketPeer(ticket)).toBe(PEER)
  })

  test('survives the white space that mails put into it', () => {
    const text = formatTicket(ticket)
    expect(parseTicket(`  ${text.slice(0, 40)}\r\n  ${text.slice(40)}\n`)).toEqual(ticket)
  })

  test('keeps the first of too many addresses', () => {
    const addresses = Array.from({ length: 20 }, (_, index) => `/ip4/10.0.0.${index}/tcp/4001/p2p/${PEER}`)
    expect(parseTicket(formatTicket({ ...ticket, addresses })).addresses).toEqual(addresses.slice(0, 8))
  })

  test.each([
    ['no address', { addresses: [] }],
    ['an address without a peer id', { addresses: ['/ip4/127.0.0.1/tcp/4001'] }],
    ['addresses of two nodes', { addresses: [...ticket.addresses, `/ip4/10.0.0.1/tcp/1/p2p/${OTHER_PEER}`] }],
    ['a name with a space', { name: 'quiet heron' }],
    ['an empty name', { name: '' }],
  ])('is not made with %s', (_, part) => {
    expect(() => formatTicket({ ...ticket, ...part })).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

describe('what is no ticket', () => {
  test('any one character changed is refused', () => {
    const text = formatTicket(ticket)
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .é'
    for (let index = 0; index < text.length; index++)
      for (const letter of letters) {
        if (letter === text[index]) continue
        const changed = text.slice(0, index) + letter + text.slice(index + 1)
        expect(refusal(changed).code).toBe('TICKET_MALFORMED')
      }
  })

  test('any two neighbours swapped are refused', () => {
    const text = formatTicket(ticket)
    for (let index = 0; index + 1 < text.length; index++) {
      if (text[index] === text[index + 1]) continue
      const swapped = text.slice(0, index) + text[index + 1] + text[index] + text.slice(index + 2)
      expect(refusal(swapped).code).toBe('TICKET_MALFORMED')
    }
  })

  test('every cut one is refused, and says how much is missing', () => {
    const text = formatTicket(ticket)
    for (let length = 0; length < text.length; length++)
      expect(refusal(text.slice(0, length)).code).toBe('TICKET_MALFORMED')
    for (let length = TICKET_PREFIX.length + 4; length < text.length; length++)
      expect(refusal(text.slice(0, length)).message).toContain(`cut: ${text.length - length} characters are missing`)
  })

  test('a mistyped one says so, with the place where a letter cannot be', () => {
    const text = formatTicket(ticket)
    const changed = text.slice(0, 30) + (text[30] === 'A' ? 'B' : 'A') + text.slice(31)
    expect(refusal(changed).message).toMatch(/mistyped/)
    expect(refusal(`${text.slice(0, 30)}?${text.slice(31)}`).message).toMatch(/it has no "\?" \(character 31\)/)
  })

  test('one that goes on is refused', () => {
    expect(refusal(`${formatTicket(ticket)}AAAA`).code).toBe('TICKET_MALFORMED')
  })

  test('one of a later version says so', () => {
    expect(refusal(formatTicket(ticket).replace('roost1-', 'roost2-')).message).toMatch(/another version/)
  })

  test('a long text is refused unread', () => {
    expect(refusal(TICKET_PREFIX + 'A'.repeat(TICKET_CHARS_MAX)).message).toMatch(/too long/)
  })

  test('no text crashes the reader', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String())
    fc.assert(
      fc.property(fc.constantFrom('', TICKET_PREFIX), texts, (prefix, text) => {
        expect(refusal(prefix + text).code).toBe('TICKET_MALFORMED')
      }),
    )
  })
})
