/** One plot of the page: what was measured in each cycle, one line a figure. */
export interface Chart {
  readonly title: string
  /** What the figures count, on the axis. */
  readonly unit: string
  /** Figures of one section's series, and what they are called in the legend. */
  readonly lines: Readonly<Record<string, string>>
}

/** The plots of each section, in the order of the page. Those whose figures a run has none of are left out. */
export const CHARTS: Readonly<Record<string, readonly Chart[]>> = {
  selection: [
    {
      title: 'What is found',
      unit: 'share',
      lines: {
        satisfied: 'satisfied queries',
        recallSettled: 'recall, nodes up for two cycles',
        recall: 'recall, all nodes',
      },
    },
    { title: 'Nodes asked for descriptors', unit: 'contacts a query', lines: { contactsMean: 'mean' } },
    { title: 'Upkeep of the tables', unit: 'bytes a node and cycle', lines: { bytesPerNodePerCycle: 'selection' } },
    { title: 'State', unit: 'descriptors a node', lines: { stateDescriptorsP50: 'median' } },
  ],
  membership: [
    { title: 'Nodes', unit: 'nodes', lines: { up: 'up' } },
    {
      title: 'From a death until a watcher knows',
      unit: 'ms',
      lines: { detectMsP50: 'median', detectMsP99: '99 of 100' },
    },
    {
      title: 'Who is taken for dead',
      unit: 'times a cycle',
      lines: { detections: 'rightly', falsePositives: 'wrongly' },
    },
    { title: 'Upkeep of membership', unit: 'bytes a node and second', lines: { bytesPerNodePerSecond: 'membership' } },
  ],
  sampling: [
    { title: 'Links to nodes that are down', unit: 'share of links', lines: { deadLinkShare: 'dead' } },
    { title: 'Outside of the largest component', unit: 'share of nodes', lines: { outsideLargest: 'outside' } },
    {
      title: 'How unevenly nodes are known',
      unit: 'views a node is in, deviation',
      lines: { inDegreeSd: 'in-degree' },
    },
    {
      title: 'Clustering',
      unit: 'coefficient',
      lines: { clustering: 'views', clusteringRandom: 'a random graph' },
    },
    { title: 'Shortest ways', unit: 'links', lines: { pathLength: 'mean' } },
    { title: 'Attackers', unit: 'share of honest links', lines: { attackerShare: 'lead to attackers' } },
    { title: 'Eclipsed nodes', unit: 'nodes', lines: { eclipsed: 'know attackers only' } },
  ],
}
