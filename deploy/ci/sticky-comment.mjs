// One comment on a pull request, found again by a hidden first line and replaced. Plain JavaScript: the action runs it
// as it stands, on whatever Node the runner brings.

/** GitHub refuses longer comments. */
const longest = 65_536;

/**
 * @param {object} options
 * @param options.github an authenticated Octokit, as actions/github-script gives it
 * @param options.context the workflow's context, likewise
 * @param {string} options.name tells the comments of several jobs apart
 * @param {string} options.summary Markdown
 * @returns {Promise<"created" | "updated">}
 */
export async function stickyComment({ github, context, name, summary }) {
  const marker = `<!-- mettle-comment: ${name.replace(/[^\w.-]/g, "-")} -->`;
  const whole = `${marker}\n${summary}`;
  const body = whole.length <= longest ? whole : `${whole.slice(0, longest - 40)}\n\n… the rest is in the artifact`;
  const place = { owner: context.repo.owner, repo: context.repo.repo };
  const comments = await github.paginate(github.rest.issues.listComments, {
    ...place,
    issue_number: context.issue.number,
    per_page: 100,
  });
  const earlier = comments.find((comment) => comment.body?.startsWith(marker));
  if (earlier) {
    await github.rest.issues.updateComment({ ...place, comment_id: earlier.id, body });
    return "updated";
  }
  await github.rest.issues.createComment({ ...place, issue_number: context.issue.number, body });
  return "created";
}
