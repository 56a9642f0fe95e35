export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** How a CI service shows itself, and where it says which branch a detached checkout stands for (first one wins). */
interface CiService {
  readonly name: string;
  readonly sign: string;
  readonly branch: readonly string[];
}

const services: readonly CiService[] = [
  { name: "GitHub Actions", sign: "GITHUB_ACTIONS", branch: ["GITHUB_HEAD_REF", "GITHUB_REF"] },
  {
    name: "GitLab CI",
    sign: "GITLAB_CI",
    branch: ["CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH"],
  },
  { name: "Azure Pipelines", sign: "TF_BUILD", branch: ["SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"] },
  { name: "Jenkins", sign: "JENKINS_URL", branch: ["CHANGE_BRANCH", "BRANCH_NAME"] },
  { name: "CircleCI", sign: "CIRCLECI", branch: ["CIRCLE_BRANCH"] },
  { name: "Buildkite", sign: "BUILDKITE", branch: ["BUILDKITE_BRANCH"] },
  { name: "Bitbucket Pipelines", sign: "BITBUCKET_BUILD_NUMBER", branch: ["BITBUCKET_BRANCH"] },
  { name: "Travis CI", sign: "TRAVIS", branch: ["TRAVIS_PULL_REQUEST_BRANCH", "TRAVIS_BRANCH"] },
  { name: "TeamCity", sign: "TEAMCITY_VERSION", branch: [] },
  { name: "AWS CodeBuild", sign: "CODEBUILD_BUILD_ID", branch: ["CODEBUILD_WEBHOOK_HEAD_REF"] },
  { name: "Drone", sign: "DRONE", branch: ["DRONE_SOURCE_BRANCH", "DRONE_BRANCH"] },
  { name: "AppVeyor", sign: "APPVEYOR", branch: ["APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH", "APPVEYOR_REPO_BRANCH"] },
];

const serviceOf = (env: EnvironmentVariables): CiService | undefined => services.find(({ sign }) => env[sign]);

/** The CI service this runs in, `CI` for one that says no more than that, undefined outside. */
export function ciName(env: EnvironmentVariables): string | undefined {
  const declared = env["CI"];
  return serviceOf(env)?.name ?? (declared && declared !== "false" && declared !== "0" ? "CI" : undefined);
}

/** The branch under test as the CI service names it; undefined for a tag, outside CI, or where it does not say. */
export function ciBranch(env: EnvironmentVariables): string | undefined {
  for (const variable of serviceOf(env)?.branch ?? []) {
    const value = env[variable];
    if (!value) continue;
    if (value.startsWith("refs/heads/")) return value.slice("refs/heads/".length);
    if (!value.startsWith("refs/")) return value;
  }
  return undefined;
}
