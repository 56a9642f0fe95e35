declare const configuration: {
  readonly forbidden: readonly object[];
  readonly options: { readonly tsConfig: { readonly fileName: string }; readonly enhancedResolveOptions: object };
};
export default configuration;
