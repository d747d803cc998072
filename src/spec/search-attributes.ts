/** Search attributes of a run in Temporal, by which runs are listed and filtered. */

/** Runs set them where the namespace has them; `gist up` registers them in the embedded server. */
export const SEARCH_ATTRIBUTES = {
  gistName: 'KEYWORD',
  gistState: 'KEYWORD',
  gistStage: 'KEYWORD',
  gistDataset: 'KEYWORD',
  gistBestMetric: 'DOUBLE',
} as const;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;
