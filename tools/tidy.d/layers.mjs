// Who may see whom. A name that is not here is a finding: a new folder begins with its place in
// the order.

const LOW = ['base', 'runtime', 'model', 'codec'];

/** Module of native/ → the modules whose headers it may include, besides its own. */
export const NATIVE_LAYERS = {
  base: [],
  bench: [],
  testing: [],
  runtime: ['base'],
  model: ['base'],
  codec: ['base', 'model'],
  placement: ['base', 'model', 'codec'],
  protocol: ['base', 'model', 'codec', 'placement'],
  bio: LOW,
  rpc: LOW,
  vos: [...LOW, 'bio'],
  client: [...LOW, 'placement', 'protocol', 'rpc'],
  engine: [...LOW, 'placement', 'protocol', 'rpc', 'bio', 'vos'],
  dfs: [...LOW, 'client'],
  capi: [...LOW, 'placement', 'protocol', 'rpc', 'client', 'dfs', 'include'],
  plugins: ['include'],
  // These may see everything; nothing sees them.
  node: '*',
  simulator: '*',
  system: '*',
};

/** Folders of native/ without code of their own. */
export const NATIVE_FOLDERS_WITHOUT_CODE = ['cmake', 'include', 'schema'];

/** Foreign headers → the modules that may include them. */
export const FOREIGN_HEADERS = [
  { pattern: /^(napi\.h|node_api\.h|uv\.h)$/, modules: ['node'] },
  { pattern: /^rdma\//, modules: ['rpc'] },
  { pattern: /^libpmem/, modules: ['vos'] },
  { pattern: /^liburing/, modules: ['bio', 'runtime'] },
  { pattern: /^spdk\//, modules: ['bio'] },
  { pattern: /^isa-l/, modules: ['codec'] },
  { pattern: /^openssl\//, modules: ['codec'] },
];

/** Package → the packages it may import, besides itself. */
export const PACKAGE_LAYERS = {
  model: [],
  native: ['model'],
  bio: ['model', 'native'],
  vos: ['model', 'native'],
  rpc: ['model', 'native'],
  client: ['model', 'native', 'rpc'],
  console: [],
  control: ['model', 'rpc', 'console'],
  agent: ['model', 'native', 'control'],
  server: ['model', 'native', 'bio', 'vos', 'rpc', 'control'],
  embedded: ['model', 'native', 'bio', 'vos', 'rpc', 'client', 'control', 'server'],
  // The quick start runs a server, as a program.
  cli: ['model', 'native', 'rpc', 'client', 'control', 'server', 'embedded'],
};
