/**
 * Just as much of a document as a plotting library needs to write SVG without a browser: elements with attributes, styles and
 * children, in order, and their text as HTML has it. Nothing is found in it again and nothing happens to it.
 */
export class PaperDocument {
  readonly documentElement = new PaperElement(this, 'html', HTML)

  createElement(name: string): PaperElement {
    return new PaperElement(this, name, HTML)
  }

  createElementNS(namespace: string, name: string): PaperElement {
    return new PaperElement(this, name, namespace)
  }

  createTextNode(text: string): PaperText {
    return new PaperText(this, text)
  }
}

const HTML = 'http://www.w3.org/1999/xhtml'

type PaperNode = PaperElement | PaperText

class PaperText {
  readonly nodeType = 3
  readonly ownerDocument: PaperDocument
  parentNode: PaperElement | undefined
  textContent: string

  constructor(ownerDocument: PaperDocument, text: string) {
    this.ownerDocument = ownerDocument
    this.textContent = text
  }

  toString(): string {
    // What stands in a style sheet is no markup.
    return this.parentNode?.tagName === 'style' ? this.textContent : escapeHtml(this.textContent)
  }
}

class PaperElement {
  readonly nodeType = 1
  readonly ownerDocument: PaperDocument
  readonly tagName: string
  readonly namespaceURI: string
  readonly style: object
  readonly childNodes: PaperNode[] = []
  parentNode: PaperElement | undefined
  readonly #attributes = new Map<string, string>()
  readonly #styles = new Map<string, string>()

  constructor(ownerDocument: PaperDocument, name: string, namespace: string) {
    this.ownerDocument = ownerDocument
    this.tagName = name
    this.namespaceURI = namespace
    this.style = styleOf(this.#styles)
  }

  get firstChild(): PaperNode | null {
    return this.childNodes[0] ?? null
  }

  get lastChild(): PaperNode | null {
    return this.childNodes.at(-1) ?? null
  }

  get children(): PaperElement[] {
    return this.childNodes.filter((child) => child instanceof PaperElement)
  }

  get textContent(): string {
    return this.childNodes.map((child) => child.textContent).join('')
  }
  set textContent(text: string) {
    this.childNodes.length = 0
    if (text !== '') this.append(text)
  }

  setAttribute(name: string, value: unknown): void {
    this.#attributes.set(name, String(value))
  }

  setAttributeNS(_namespace: string | null, name: string, value: unknown): void {
    this.setAttribute(name, value)
  }

  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null
  }

  hasAttribute(name: string): boolean {
    return this.#attributes.has(name)
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name)
  }

  hasChildNodes(): boolean {
    return this.childNodes.length > 0
  }

  append(...nodes: (PaperNode | string)[]): void {
    for (const node of nodes)
      this.appendChild(typeof node === 'string' ? new PaperText(this.ownerDocument, node) : node)
  }

  appendChild(node: PaperNode): PaperNode {
    return this.insertBefore(node, null)
  }

  insertBefore(node: PaperNode, before: PaperNode | null): PaperNode {
    node.parentNode?.removeChild(node)
    node.parentNode = this
    const place = before === null ? this.childNodes.length : this.childNodes.indexOf(before)
    this.childNodes.splice(place, 0, node)
    return node
  }

  removeChild(node: PaperNode): PaperNode {
    const place = this.childNodes.indexOf(node)
    if (place >= 0) this.childNodes.splice(place, 1)
    node.parentNode = undefined
    return node
  }

  remove(): void {
    this.parentNode?.removeChild(this)
  }

  querySelector(): null {
    return null
  }

  querySelectorAll(): PaperElement[] {
    return []
  }

  toString(): string {
    const styles = [...this.#styles].map(([name, value]) => `${name}: ${value}`).join('; ')
    const attributes = [...this.#attributes, ...(styles === '' ? [] : [['style', styles] as const])]
    const opening = attributes.map(([name, value]) => ` ${name}="${escapeHtml(value)}"`).join('')
    return `<${this.tagName}${opening}>${this.childNodes.join('')}</${this.tagName}>`
  }
}

/** Takes `style.maxWidth = ...` and `style.setProperty('max-width', ...)` alike. */
function styleOf(styles: Map<string, string>): object {
  const methods = {
    setProperty: (name: string, value: unknown) => void styles.set(name, String(value)),
    removeProperty: (name: string) => void styles.delete(name),
  }
  return new Proxy(methods, {
    set(_, name, value) {
      const hyphened = String(name).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      styles.set(hyphened, String(value))
      return true
    },
  })
}

/** Text as it may stand in HTML, between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
