import { expect, test } from "vitest";
import { type StickyCommentOptions, stickyComment } from "../../deploy/ci/sticky-comment.mjs";

interface Comment {
  readonly id: number;
  body: string;
}

/** A pull request that remembers its comments. */
function pullRequest(comments: Comment[]): Omit<StickyCommentOptions, "name" | "summary"> {
  const issues = {
    listComments: "listComments",
    updateComment: async ({ comment_id, body }: { comment_id: number; body: string }) => {
      const comment = comments.find(({ id }) => id === comment_id);
      if (!comment) throw new Error(`no comment ${comment_id}`);
      comment.body = body;
    },
    createComment: async ({ body }: { body: string }) => comments.push({ id: comments.length + 1, body }),
  };
  return {
    github: { paginate: async () => comments, rest: { issues } },
    context: { repo: { owner: "o", repo: "r" }, issue: { number: 7 } },
  };
}

test("creates one comment and replaces it from then on, beside those of people and other jobs (S0-189)", async () => {
  const comments: Comment[] = [{ id: 1, body: "looks good" }];
  const place = pullRequest(comments);
  expect(await stickyComment({ ...place, name: "mettle", summary: "first" })).toBe("created");
  expect(await stickyComment({ ...place, name: "other job", summary: "theirs" })).toBe("created");
  expect(await stickyComment({ ...place, name: "mettle", summary: "second" })).toBe("updated");
  expect(comments.map(({ body }) => body.split("\n").at(-1))).toEqual(["looks good", "second", "theirs"]);
});

test("a summary too long for a comment is cut, and says so", async () => {
  const comments: Comment[] = [];
  await stickyComment({ ...pullRequest(comments), name: "m", summary: "x".repeat(100_000) });
  expect(comments[0]?.body.length).toBeLessThanOrEqual(65_536);
  expect(comments[0]?.body).toMatch(/artifact$/);
});
