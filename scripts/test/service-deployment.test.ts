import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadConfig, settings } from "@mettle/service";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { parseCommandLine } from "../../packages/cli/src/command-line/parse.ts";
import { kustomized, type Manifest } from "./kustomize.ts";

const folder = new URL("../../deploy/service/", import.meta.url);

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}
interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly exec?: { readonly command: readonly string[] };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext: Record<string, unknown>;
  readonly topologySpreadConstraints?: readonly { readonly labelSelector: Selector }[];
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly persistentVolumeClaim?: { readonly claimName: string };
    readonly emptyDir?: object;
  }[];
}
interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}
interface Workload {
  readonly replicas: number;
  readonly selector: Selector;
  readonly strategy?: { readonly rollingUpdate: { readonly maxSurge: number; readonly maxUnavailable: number } };
  readonly template: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: Pod };
}
interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports: readonly { readonly protocol: string; readonly port: number }[];
}
interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

/** The groups and versions that clusters serve since 1.25, and what each kind is here. */
const served: Readonly<Record<string, string>> = {
  Namespace: "v1",
  Service: "v1",
  PersistentVolumeClaim: "v1",
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  PodDisruptionBudget: "policy/v1",
  NetworkPolicy: "networking.k8s.io/v1",
};

const environments = [
  { id: "S4-050", name: "development", instances: 1, cpu: "500m", memory: "1Gi", postgres: "10Gi", redis: "1Gi" },
  { id: "S4-051", name: "staging", instances: 3, cpu: "1000m", memory: "2Gi", postgres: "100Gi", redis: "10Gi" },
  { id: "S4-052", name: "production", instances: 5, cpu: "2000m", memory: "4Gi", postgres: "1Ti", redis: "100Gi" },
] as const;

const overlay = (name: string): URL => new URL(`overlays/${name}/`, folder);
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

function specOf(manifests: readonly Manifest[], kind: string, name: string): unknown {
  const found = manifests.filter((each) => each.kind === kind && each.metadata.name === name);
  expect([kind, name, found.length]).toEqual([kind, name, 1]);
  return found[0]!.spec;
}
const workloadsIn = (manifests: readonly Manifest[]): readonly Workload[] =>
  manifests.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet").map(({ spec }) => spec as Workload);
const onlyContainer = ({ template }: Workload): Container => {
  expect(template.spec.containers).toHaveLength(1);
  return template.spec.containers[0]!;
};
const matches = ({ matchLabels }: Selector, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value);

/** `500m` and `2` cores, `512Mi` and `1Ti` bytes. */
function amount(text: string): number {
  const [, number, unit = ""] = /^(\d+)(m|[KMGT]i)?$/.exec(text) ?? [];
  const units: Record<string, number> = { "": 1, m: 1e-3, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
  return Number(number) * units[unit]!;
}
/** PostgreSQL's and Redis' own way of writing sizes, where `MB` and `mb` are 2^20. */
const bytesOf = (text: string): number =>
  amount(text.replace(/b$/i, "i").replace(/^(\d+)([mg])i$/, (_, n: string, u: string) => `${n}${u.toUpperCase()}i`));
const after = (args: readonly string[], start: string): string | undefined =>
  args.find((each) => each.startsWith(start))?.slice(start.length);

const variablesOf = ({ env }: Container, given: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value }) => [name, value ?? given[name] ?? "missing"]));
const secretValues = {
  DATABASE_URL: "postgres://mettle:secret@postgres:5432/mettle",
  REDIS_URL: "redis://:secret@redis:6379",
  METTLE_ADMIN_PASSWORD: "twelve characters",
};
const serviceVariables: readonly string[] = Object.values(settings).map(({ variable }) => variable);

describe.each(environments)("$id $name", ({ name, instances, cpu, memory, postgres, redis }) => {
  const manifests = kustomized(overlay(name));
  const service = specOf(manifests, "Deployment", "service") as Workload;
  const container = onlyContainer(service);

  test.skipIf(!hasKubectl)("is what kubectl makes of it too", () => {
    const made = spawnSync("kubectl", ["kustomize", fileURLToPath(overlay(name))], { encoding: "utf8" });
    expect(made.stderr).toBe("");
    const theirs = parseAllDocuments(made.stdout).map((document) => document.toJS() as Manifest);
    const order = (all: readonly Manifest[]): readonly Manifest[] =>
      all.toSorted((a, b) => (`${a.kind} ${a.metadata.name}` < `${b.kind} ${b.metadata.name}` ? -1 : 1));
    expect(order(theirs)).toEqual(order(manifests));
  });

  test("has the instances, cores, memory and disks that are asked for", () => {
    expect(service.replicas).toBe(instances);
    expect(container.resources).toEqual({ requests: { cpu, memory }, limits: { cpu, memory } });
    const diskOf = (claim: string): unknown =>
      (specOf(manifests, "PersistentVolumeClaim", claim) as { resources: { requests: object } }).resources.requests;
    expect(diskOf("postgres")).toEqual({ storage: postgres });
    expect(diskOf("redis")).toEqual({ storage: redis });
  });

  test("is of kinds and versions that clusters serve, in a namespace of its own that holds pods to the restricted standard", () => {
    for (const { kind, apiVersion, metadata } of manifests) {
      expect([kind, apiVersion]).toEqual([kind, served[kind]]);
      const { labels } = metadata;
      if (kind !== "Namespace") expect(metadata.namespace).toBe(`mettle-${name}`);
      else
        expect([metadata.name, labels?.["pod-security.kubernetes.io/enforce"]]).toEqual([
          `mettle-${name}`,
          "restricted",
        ]);
    }
    expect(manifests.filter(({ kind }) => kind === "Namespace")).toHaveLength(1);
  });

  test("selectors find the pods of their templates, and services their ports", () => {
    for (const { selector, template } of workloadsIn(manifests))
      expect(matches(selector, template.metadata.labels)).toBe(true);
    for (const each of ["service", "postgres", "redis"]) {
      const found = workloadsIn(manifests).find(
        ({ template }) => template.metadata.labels["app.kubernetes.io/name"] === each,
      )!;
      const { selector, ports } = specOf(manifests, "Service", each) as {
        selector: Record<string, string>;
        ports: readonly { targetPort: string; port: number }[];
      };
      expect(matches({ matchLabels: selector }, found.template.metadata.labels)).toBe(true);
      for (const { targetPort } of ports)
        expect(onlyContainer(found).ports.map((port) => port.name)).toContain(targetPort);
    }
    const { selector, maxUnavailable } = specOf(manifests, "PodDisruptionBudget", "service") as {
      selector: Selector;
      maxUnavailable: number;
    };
    expect([matches(selector, service.template.metadata.labels), maxUnavailable]).toEqual([true, 1]);
    const spread = service.template.spec.topologySpreadConstraints ?? [];
    expect(spread.map(({ labelSelector }) => matches(labelSelector, service.template.metadata.labels))).toEqual([true]);
  });

  test("pods run as nobody special, on a root that they cannot write to, without the cluster's token", () => {
    for (const workload of workloadsIn(manifests)) {
      const { automountServiceAccountToken, securityContext } = workload.template.spec;
      expect(automountServiceAccountToken).toBe(false);
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      expect(securityContext["runAsUser"]).toBeGreaterThan(0);
      const { securityContext: own, resources, image } = onlyContainer(workload);
      expect(own).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(Object.keys(resources.requests)).toEqual(["cpu", "memory"]);
      expect(resources.limits["memory"]).toBe(resources.requests["memory"]);
      expect(image).toMatch(/^[\w/.-]+:\d[\w.-]*$/);
    }
  });

  test("everything that is mounted is there, and nothing is declared for nobody", () => {
    const claims = manifests
      .filter(({ kind }) => kind === "PersistentVolumeClaim")
      .map(({ metadata }) => metadata.name);
    const claimed = workloadsIn(manifests).flatMap((workload) => {
      const { volumes } = workload.template.spec;
      const { volumeMounts } = onlyContainer(workload);
      expect(volumeMounts.map((mount) => mount.name).toSorted()).toEqual(
        volumes.map((volume) => volume.name).toSorted(),
      );
      return volumes.flatMap(({ persistentVolumeClaim: claim, emptyDir }) => {
        expect([claim, emptyDir].filter(Boolean)).toHaveLength(1);
        return claim?.claimName ?? [];
      });
    });
    expect(claimed.toSorted()).toEqual(claims.toSorted());
  });

  test("each variable is one that the service reads, with a value that it takes", () => {
    const variables = variablesOf(container, secretValues);
    expect(Object.keys(variables).filter((each) => !serviceVariables.includes(each))).toEqual([]);
    const config = loadConfig(variables);
    expect(config).toMatchObject({ host: "0.0.0.0", databaseUrl: secretValues.DATABASE_URL });
    expect(container.ports).toEqual([{ name: "http", containerPort: config.port }]);
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toContain(config.dataFolder);
    const invocation = parseCommandLine([...container.args], variables);
    expect(invocation.kind === "run" && invocation.command.name).toBe("serve");
  });

  test("S4-131 the pool's figures; the database has connections for all pools while instances are exchanged", () => {
    const config = loadConfig(variablesOf(container, secretValues));
    expect([config.poolMin, config.poolMax]).toEqual([5, 20]);
    expect([config.poolAcquireTimeout, config.poolIdleTimeout, config.statementTimeout]).toEqual([
      10_000, 30_000, 30_000,
    ]);
    const { strategy } = service;
    const most = instances + strategy!.rollingUpdate.maxSurge;
    // Each instance's sql_query: as many connections as heavy tools may run, four of one tenant.
    const forStatements = 32;
    const reserved = 3;
    const server = onlyContainer(specOf(manifests, "StatefulSet", "postgres") as Workload);
    expect(Number(after(server.args, "max_connections="))).toBeGreaterThanOrEqual(
      most * config.poolMax + forStatements + reserved,
    );
    expect(strategy!.rollingUpdate.maxUnavailable).toBe(0);
  });

  test("what is kept in memory fits into it", () => {
    const server = onlyContainer(specOf(manifests, "StatefulSet", "postgres") as Workload);
    expect(bytesOf(after(server.args, "shared_buffers=")!)).toBeLessThanOrEqual(
      amount(server.resources.limits["memory"]!) / 4,
    );
    const cache = onlyContainer(specOf(manifests, "StatefulSet", "redis") as Workload);
    const most = cache.args[cache.args.indexOf("--maxmemory") + 1]!;
    expect(bytesOf(most)).toBeLessThanOrEqual(amount(cache.resources.limits["memory"]!) / 2);
  });

  test("secrets come by reference only, the same for who asks and who checks", () => {
    const secrets = workloadsIn(manifests).flatMap((each) =>
      onlyContainer(each).env.filter(({ name: variable }) => /PASSWORD|AUTH|_URL|_KEY/.test(variable)),
    );
    expect(secrets.map(({ name: variable, valueFrom }) => [variable, valueFrom?.secretKeyRef])).toEqual([
      ["DATABASE_URL", { name: "service", key: "database-url" }],
      ["REDIS_URL", { name: "service", key: "redis-url" }],
      ["METTLE_ADMIN_PASSWORD", { name: "service", key: "admin-password" }],
      ["POSTGRES_PASSWORD", { name: "postgres", key: "password" }],
      ["REDISCLI_AUTH", { name: "redis", key: "password" }],
    ]);
    const hidden: readonly string[] = Object.values(settings)
      .filter(({ secret }) => secret)
      .map(({ variable }) => variable);
    const written = container.env.filter(({ value }) => value !== undefined).map(({ name: variable }) => variable);
    expect(written.filter((variable) => hidden.includes(variable))).toEqual([]);
    expect(secrets.filter(({ value }) => value !== undefined)).toEqual([]);
    // docs/service.md has the commands that make them.
    const guide = readFileSync(new URL("../../docs/service.md", import.meta.url), "utf8");
    const made = [
      ...guide.matchAll(/create secret generic (\w+)((?: |\\\n)*(?:--from-literal=\S+(?: |\\\n)*)+)/g),
    ].flatMap(([, secret = "", keys = ""]) =>
      [...keys.matchAll(/--from-literal=([\w-]+)=/g)].map(([, key = ""]) => `${secret} ${key}`),
    );
    const asked = secrets.map(({ valueFrom }) => `${valueFrom!.secretKeyRef!.name} ${valueFrom!.secretKeyRef!.key}`);
    expect(made.toSorted()).toEqual(asked.toSorted());
  });

  test("is asked whether it lives and is ready where that is answered; it may end what runs before it is killed", () => {
    const { startupProbe, livenessProbe, readinessProbe, lifecycle } = container;
    for (const probe of [startupProbe, livenessProbe])
      expect(probe?.httpGet).toEqual({ path: "/health", port: "http" });
    expect(readinessProbe.httpGet).toEqual({ path: "/ready", port: "http" });
    const config = loadConfig(variablesOf(container, secretValues));
    const [command, pause] = lifecycle!.preStop.exec.command;
    expect(command).toBe("sleep");
    const needed = Number(pause) + (2 * config.drainTimeout) / 1000;
    expect(service.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(needed);
    // A pod that is ending is sent nothing any more before it stops to listen.
    expect(Number(pause)).toBeGreaterThanOrEqual(readinessProbe.periodSeconds!);
  });

  test("databases are reached by the service only, the service by those who are let", () => {
    const labelsOf = (each: string): Record<string, string> => ({ "app.kubernetes.io/name": each });
    for (const [each, port] of [
      ["postgres", 5432],
      ["redis", 6379],
    ] as const) {
      const { podSelector, ingress, egress, policyTypes } = specOf(manifests, "NetworkPolicy", each) as Policy;
      expect(policyTypes).toEqual(["Ingress", "Egress"]);
      expect(matches(podSelector, labelsOf(each))).toBe(true);
      expect(ingress).toEqual([
        { from: [{ podSelector: { matchLabels: labelsOf("service") } }], ports: [{ protocol: "TCP", port }] },
      ]);
      expect(egress).toEqual([]);
    }
    const { ingress, egress, policyTypes } = specOf(manifests, "NetworkPolicy", "service") as Policy;
    expect(policyTypes).toEqual(["Ingress", "Egress"]);
    expect(
      ingress.flatMap(({ from }) => from ?? []).map(({ namespaceSelector }) => namespaceSelector?.matchLabels),
    ).toEqual([{ "mettle.service/caller": "true" }]);
    const outside = egress.flatMap(({ to = [] }) => to).flatMap(({ ipBlock }) => ipBlock ?? []);
    expect(outside).toHaveLength(1);
    expect(outside[0]!.except).toEqual(
      expect.arrayContaining(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]),
    );
  });
});

test("every file of the deployment is used", () => {
  const files = globSync("**/*.yaml", { cwd: fileURLToPath(folder) }).map((file) => file.replaceAll("\\", "/"));
  const used = (within: string): readonly string[] => {
    const told = parse(readFileSync(new URL(`${within}/kustomization.yaml`, folder), "utf8")) as {
      resources: readonly string[];
      patches?: readonly { path: string }[];
    };
    const own = [...told.resources, ...(told.patches ?? []).map(({ path }) => path), "kustomization.yaml"];
    return own.filter((file) => file.endsWith(".yaml")).map((file) => `${within}/${file}`);
  };
  const all = ["base", ...environments.map(({ name }) => `overlays/${name}`)].flatMap(used);
  expect(files.toSorted()).toEqual([...all, "compose.yaml"].toSorted());
});

describe("the compose file", () => {
  const compose = parse(readFileSync(new URL("compose.yaml", folder), "utf8")) as {
    readonly services: Record<
      "postgres" | "redis" | "service",
      {
        readonly command: readonly string[];
        readonly environment: Record<string, string>;
        readonly volumes?: readonly string[];
        readonly ports?: readonly string[];
        readonly read_only?: boolean;
        readonly cap_drop?: readonly string[];
        readonly healthcheck: { readonly test: readonly string[] };
        readonly deploy?: { readonly resources: { readonly limits: Record<string, string> } };
        readonly build?: { readonly dockerfile: string };
      }
    >;
    readonly volumes: Record<string, unknown>;
  };
  const { postgres, redis, service } = compose.services;
  const filled = (text: string): string => text.replaceAll(/\$\{(\w+):\?[^}]*\}/g, "twelve-characters");

  test("starts the service with variables that it reads, in the size of development", () => {
    const variables = Object.fromEntries(
      Object.entries(service.environment).map(([name, value]) => [name, filled(value)]),
    );
    expect(Object.keys(variables).filter((each) => !serviceVariables.includes(each))).toEqual([]);
    const config = loadConfig(variables);
    expect(config.databaseUrl).toBe("postgres://mettle:twelve-characters@postgres:5432/mettle");
    expect(service.ports).toEqual([`127.0.0.1:8080:${config.port}`]);
    const invocation = parseCommandLine([...service.command], variables);
    expect(invocation.kind === "run" && invocation.command.name).toBe("serve");
    expect(service.deploy?.resources.limits).toEqual({ cpus: "0.5", memory: "1G" });
    expect([service.read_only, service.cap_drop]).toEqual([true, ["ALL"]]);
    expect(service.healthcheck.test.join(" ")).toContain(`127.0.0.1:${config.port}/ready`);
    expect(globSync("deploy/*/Dockerfile", { cwd: fileURLToPath(new URL("../../", import.meta.url)) })).toContain(
      service.build?.dockerfile,
    );
  });

  test("keeps what the databases write, and has no password in it", () => {
    const kept = [postgres, redis].flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(":")[0]));
    expect(kept).toEqual(Object.keys(compose.volumes));
    const text = readFileSync(new URL("compose.yaml", folder), "utf8").replaceAll(/^ *#.*$/gm, "");
    const secrets = [...text.matchAll(/^.*(?:PASSWORD|AUTH|requirepass).*$/gm)].map(([line]) => line);
    expect(secrets).toHaveLength(6);
    expect(secrets.filter((line) => !/\$\{\w+:\?[^}]+\}/.test(line))).toEqual([]);
  });
});
