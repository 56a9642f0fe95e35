import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { commandNamed, environmentName, flagsOf } from "../../packages/cli/src/command-line/command-table.ts";
import { parseCommandLine } from "../../packages/cli/src/command-line/parse.ts";

const folder = new URL("../../deploy/load/", import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, folder), "utf8");

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: object;
  };
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources?: { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };
  readonly securityContext?: Record<string, unknown>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
interface Pod {
  readonly restartPolicy?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: Record<string, unknown>;
  readonly containers: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly persistentVolumeClaim?: { readonly claimName: string };
    readonly emptyDir?: object;
  }[];
}
interface Labels {
  readonly labels?: Record<string, string>;
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Labels & { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly backoffLimit?: number;
    readonly selector?: Record<string, unknown>;
    readonly template?: { readonly metadata: Labels; readonly spec: Pod };
    readonly ports?: readonly { readonly port: number; readonly targetPort: string }[];
    readonly podSelector?: Selector;
    readonly ingress?: readonly {
      readonly from: readonly { readonly podSelector: Selector }[];
      readonly ports: readonly { readonly port: number }[];
    }[];
  };
}
interface Selector {
  readonly matchLabels?: Record<string, string>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

/** The groups and versions that clusters serve since 1.25, and what each kind is here. */
const served: Readonly<Record<string, string>> = {
  Namespace: "v1",
  Service: "v1",
  PersistentVolumeClaim: "v1",
  Deployment: "apps/v1",
  Job: "batch/v1",
  NetworkPolicy: "networking.k8s.io/v1",
};

const kustomization = parse(read("kustomization.yaml")) as {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: readonly string[] }[];
};
const manifests = kustomization.resources.flatMap((file) =>
  parseAllDocuments(read(file)).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.join("; ")}`);
    return document.toJS() as Manifest;
  }),
);
const named = (kind: string, name: string): Manifest => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const workloads = manifests.filter(({ spec }) => spec?.template);
const podOf = ({ spec }: Manifest): Pod => spec.template!.spec;
const onlyContainer = (manifest: Manifest): Container => {
  const { containers } = podOf(manifest);
  expect(containers).toHaveLength(1);
  return containers[0]!;
};
const matches = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Record<string, string>): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ""));

/** What the command makes of arguments and environment: throws for flags and values that it does not know. */
function understood(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ReturnType<typeof parseCommandLine> {
  const invocation = parseCommandLine([...args], environment);
  if (invocation.kind !== "run") throw new Error(`this is ${invocation.kind}`);
  const command = commandNamed(invocation.command.name)!;
  const known = flagsOf(command)
    .filter((flag) => flag.environment)
    .map(environmentName);
  const own = Object.keys(environment).filter((name) => name.startsWith("METTLE_"));
  expect(known).toEqual(expect.arrayContaining(own));
  return invocation;
}

const valuesOf = ({ env = [] }: Container): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value }) => [name, value ?? "given by the cluster"]));

describe("the Kubernetes manifests of a distributed load test", () => {
  test("are of kinds and versions that clusters serve, and all files are used", () => {
    for (const { kind, apiVersion } of manifests) expect([kind, apiVersion]).toEqual([kind, served[kind]]);
    const used = [...kustomization.resources, ...kustomization.configMapGenerator.flatMap(({ files }) => files)];
    const others = ["Dockerfile", "compose.yaml", "kustomization.yaml"];
    expect(readdirSync(folder).toSorted()).toEqual([...used, ...others].toSorted());
  });

  test("selectors find the pods of their templates, and services their ports", () => {
    for (const { kind, spec } of workloads) {
      if (kind === "Deployment")
        expect(matches(spec.selector as Selector, spec.template!.metadata.labels ?? {})).toBe(true);
    }
    const service = named("Service", "nats");
    const server = named("Deployment", "nats");
    expect(
      matches(
        { matchLabels: service.spec.selector as Record<string, string> },
        server.spec.template!.metadata.labels ?? {},
      ),
    ).toBe(true);
    const ports = onlyContainer(server).ports!;
    for (const { port, targetPort } of service.spec.ports!) {
      expect(ports.find(({ name }) => name === targetPort)?.containerPort).toBe(port);
      expect(read("nats.conf")).toContain(`port: ${port}`);
    }
  });

  test("everything that is mounted is there, and nothing is declared for nobody", () => {
    const maps = kustomization.configMapGenerator.map(({ name }) => name);
    const claims = manifests
      .filter(({ kind }) => kind === "PersistentVolumeClaim")
      .map(({ metadata }) => metadata.name);
    for (const workload of workloads) {
      const { volumes = [] } = podOf(workload);
      const { volumeMounts = [] } = onlyContainer(workload);
      expect(volumeMounts.map(({ name }) => name).toSorted()).toEqual(volumes.map(({ name }) => name).toSorted());
      for (const { configMap, persistentVolumeClaim, emptyDir } of volumes) {
        const found =
          (configMap && maps.includes(configMap.name)) ||
          (persistentVolumeClaim && claims.includes(persistentVolumeClaim.claimName)) ||
          emptyDir;
        expect(found).toBeTruthy();
      }
    }
    expect(
      workloads
        .flatMap((each) => podOf(each).volumes ?? [])
        .flatMap(({ configMap }) => configMap?.name ?? [])
        .toSorted(),
    ).toEqual(maps.toSorted());
  });

  test("pods pass the restricted standard, have no token of the cluster, and say what they need", () => {
    for (const workload of workloads) {
      const { automountServiceAccountToken, securityContext } = podOf(workload);
      expect(automountServiceAccountToken).toBe(false);
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      const container = onlyContainer(workload);
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(Object.keys(container.resources?.requests ?? {})).toEqual(["cpu", "memory"]);
      expect(container.resources?.limits?.["memory"]).toBeDefined();
      expect(container.image).toMatch(/^[\w/.-]+:\d[\w.-]*$/);
    }
  });

  test("the commands are ones that the command understands; as many workers are started as are waited for", () => {
    const worker = onlyContainer(named("Deployment", "worker"));
    const threads = understood(worker.args, valuesOf(worker));
    expect(threads).toMatchObject({ command: { name: "worker" } });
    const coordinator = onlyContainer(named("Job", "coordinator"));
    const load = understood(coordinator.args, valuesOf(coordinator));
    if (load.kind !== "run" || threads.kind !== "run") throw new Error("both are runs");
    expect(load.flags.number("workers")).toBe(named("Deployment", "worker").spec.replicas);
    expect(load.flags.text("nats")).toBe(threads.flags.text("nats"));
    // A core for each thread and one for merging: limits are what is asked for, so that nothing is throttled.
    expect(worker.resources?.requests).toEqual(worker.resources?.limits);
    expect(Number(worker.resources?.requests?.["cpu"])).toBe((threads.flags.number("threads") ?? 1) + 1);
    const tests = podOf(named("Job", "coordinator")).volumes!.find(({ configMap }) => configMap?.name === "load-test")!;
    expect(coordinator.volumeMounts).toContainEqual({
      name: tests.name,
      mountPath: coordinator.workingDir,
      readOnly: true,
    });
    expect(kustomization.configMapGenerator).toContainEqual({ name: "load-test", files: [load.positionals[0]] });
  });

  test("a load test runs once; what it wrote outlives it", () => {
    const { spec } = named("Job", "coordinator");
    expect([spec.backoffLimit, spec.template!.spec.restartPolicy]).toEqual([0, "Never"]);
    const { args, volumeMounts = [] } = onlyContainer(named("Job", "coordinator"));
    const out = args.find((each) => each.startsWith("--out="))?.slice(6);
    expect(volumeMounts.some(({ mountPath, readOnly }) => mountPath === out && readOnly !== true)).toBe(true);
  });

  test("passwords come from a secret only, those of the server and of who uses it alike", () => {
    const secrets = workloads
      .flatMap((each) => onlyContainer(each).env ?? [])
      .filter(({ name }) => name.includes("PASSWORD"));
    expect(secrets).toHaveLength(4);
    for (const { value, valueFrom } of secrets) {
      expect(value).toBeUndefined();
      expect(valueFrom?.secretKeyRef).toMatchObject({
        name: "nats-passwords",
        key: expect.stringMatching(/^(coordinator|worker)$/) as string,
      });
    }
    expect(read("nats.conf").match(/\$\w+/g)).toEqual(["$COORDINATOR_PASSWORD", "$WORKER_PASSWORD"]);
  });

  test("only coordinators and workers reach the server", () => {
    const { spec } = named("NetworkPolicy", "nats");
    const labelsOf = (kind: string, name: string): Record<string, string> =>
      named(kind, name).spec.template!.metadata.labels ?? {};
    expect(matches(spec.podSelector!, labelsOf("Deployment", "nats"))).toBe(true);
    const { from, ports } = spec.ingress![0]!;
    expect(
      from.every(
        ({ podSelector }) =>
          matches(podSelector, labelsOf("Deployment", "worker")) &&
          matches(podSelector, labelsOf("Job", "coordinator")),
      ),
    ).toBe(true);
    expect(ports).toMatchObject([{ port: 4222 }]);
    expect(matches(from[0]!.podSelector, { "app.kubernetes.io/name": "other" })).toBe(false);
  });
});

describe("the compose file", () => {
  const compose = parse(read("compose.yaml")) as {
    readonly services: Record<
      "nats" | "worker" | "coordinator",
      {
        readonly command: readonly string[];
        readonly environment: Record<string, string>;
        readonly volumes?: readonly string[];
        readonly deploy?: { readonly replicas: number };
      }
    >;
    readonly volumes: Record<string, unknown>;
  };

  test("runs commands that the command understands, on files that are there", () => {
    const { nats, worker, coordinator } = compose.services;
    understood(worker.command, worker.environment);
    const load = understood(coordinator.command, coordinator.environment);
    if (load.kind !== "run") throw new Error("it is a run");
    expect(load.flags.number("workers")).toBe(worker.deploy?.replicas);
    const files = [...(nats.volumes ?? []), ...(coordinator.volumes ?? [])].map((volume) => volume.split(":")[0]!);
    const mounted = files.filter((file) => file.startsWith("./")).map((file) => file.slice(2));
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(mounted));
    expect(files.filter((file) => !file.startsWith("./"))).toEqual(Object.keys(compose.volumes));
  });

  test("has no password in it", () => {
    const values = Object.values(compose.services).flatMap(({ environment }) => Object.entries(environment));
    const passwords = values.filter(([name]) => name.includes("PASSWORD")).map(([, value]) => value);
    expect(passwords).toHaveLength(4);
    expect(passwords.filter((value) => !/^\$\{\w+:\?/.test(value))).toEqual([]);
  });
});

test("the load test that they run is one", async () => {
  const module = (await import(new URL("shop.load.ts", folder).href)) as {
    default: { options: { scenarios: object; thresholds: object } };
  };
  expect(Object.keys(module.default.options.scenarios)).toEqual(["browse"]);
  expect(Object.keys(module.default.options.thresholds)).toEqual(["http_req_failed", "http_req_response_time"]);
});
