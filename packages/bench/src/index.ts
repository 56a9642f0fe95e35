export * from "./authoring.ts";
