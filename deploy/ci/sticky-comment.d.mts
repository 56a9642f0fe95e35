interface Octokit {
  paginate(route: unknown, parameters: object): Promise<readonly { readonly id: number; readonly body?: string }[]>;
  readonly rest: {
    readonly issues: {
      readonly listComments: unknown;
      updateComment(parameters: object): Promise<unknown>;
      createComment(parameters: object): Promise<unknown>;
    };
  };
}

export interface StickyCommentOptions {
  readonly github: Octokit;
  readonly context: {
    readonly repo: { readonly owner: string; readonly repo: string };
    readonly issue: { readonly number: number };
  };
  readonly name: string;
  readonly summary: string;
}

export function stickyComment(options: StickyCommentOptions): Promise<"created" | "updated">;
