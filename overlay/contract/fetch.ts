/** The web's `fetch`, to one place: a daemon or a node, whatever the host in the URL. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>
