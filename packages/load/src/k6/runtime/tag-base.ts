import type { Tags, TagSet } from "../../metrics/recorder.ts";

/** Tags that everything recorded now carries, and the sets of tags already interned with them. */
export class TagBase {
  readonly tags: Tags;
  /** By a key that is equal for equal additions. */
  readonly sets: Map<string, TagSet> = new Map();
  /** The base alone. */
  own: TagSet | undefined;

  constructor(tags: Tags) {
    this.tags = tags;
  }
}
