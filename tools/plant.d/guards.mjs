// Faults of what guards the system, each a change of a line or two, with a test that has to fail
// of it. `from` stands in `file` once (guards.test.mjs).
//
// Where the test is one of jest, `only` says which of its file; without it all of them are run, and
// some have to pass. `engine` says that the file is of the engine, and what to build with the
// change: the addon, or a program of GoogleTest, whose tests `only` names.

const VERIFY = 'packages/control/src/security/verify-credential.ts';
const ACL = 'packages/control/src/security/acl.ts';
const AUTHORIZE = 'packages/control/src/security/authorize.ts';
const SERVICE = 'packages/control/src/service/control-service.ts';
const CAPABILITY = 'packages/control/src/security/capability.ts';
const POOL_KEY = 'native/engine/container/pool_key.cc';
const OPEN_CONTAINER = 'native/engine/container/open_container.cc';

const ACCESS_TEST = 'packages/server/src/certificates/access.test.ts';
const CERTIFICATES_TEST = 'packages/server/src/certificates/certificates.test.ts';
const ACL_TEST = 'packages/control/src/security/acl.test.ts';
const SERVICE_TEST = 'packages/control/src/service/control-service.test.ts';
const SECURITY_TEST = 'packages/cli/src/security.test.ts';
const MATRIX_TEST = 'packages/cli/src/acl-matrix.test.ts';

const CREDENTIALS = [
  {
    name: 'credential-signature-unchecked',
    file: VERIFY,
    from: "if (!verify('sha256', Buffer.from(body ?? ''), agent.publicKey, bytes)) {",
    to: "if (!verify && !agent && !bytes) {",
    test: ACCESS_TEST,
  },
  {
    name: 'credential-expiry-ignored',
    file: VERIFY,
    from: 'claims.expiresMs + CLOCK_SKEW_MS < nowMs',
    to: 'claims.expiresMs < 0',
    test: ACCESS_TEST,
  },
  {
    name: 'credential-of-the-future-accepted',
    file: VERIFY,
    from: 'claims.issuedMs > nowMs + CLOCK_SKEW_MS',
    to: 'claims.issuedMs < 0',
    test: ACCESS_TEST,
  },
  {
    name: 'credential-of-any-authority',
    file: VERIFY,
    from: '!agent.checkIssued(issuer) || !agent.verify(issuer.publicKey)',
    to: '!issuer',
    test: ACCESS_TEST,
  },
  {
    name: 'credential-of-a-namesake-authority',
    file: VERIFY,
    from: ' || !agent.verify(issuer.publicKey)',
    to: '',
    test: ACCESS_TEST,
  },
  {
    name: 'credential-signed-by-any-role',
    file: VERIFY,
    from: '!/^CN=agent$/m.test(agent.subject)',
    to: '!agent.subject',
    test: ACCESS_TEST,
  },
  {
    name: 'credential-of-an-expired-agent',
    file: VERIFY,
    from: 'nowMs > Date.parse(agent.validTo)',
    to: 'nowMs < 0',
    test: ACCESS_TEST,
  },
  {
    name: 'agent-believes-the-program',
    file: 'packages/agent/src/agent.ts',
    from: 'headers: { ...Object.fromEntries(passed), [CREDENTIAL_HEADER]: credential },',
    to: `headers: {
        ...Object.fromEntries(passed),
        [CREDENTIAL_HEADER]: String(request.headers[CREDENTIAL_HEADER] ?? credential),
      },`,
    test: SECURITY_TEST,
  },
  {
    name: 'agent-forgets-groups',
    file: 'packages/agent/src/agent.ts',
    from: 'new Set([peer.gid, ...peer.groups])',
    to: 'new Set([peer.gid])',
    test: MATRIX_TEST,
    only: 'of entries',
  },
  {
    name: 'machine-by-the-program-s-word',
    file: SERVICE,
    from: 'identity, machine: host };',
    to: 'identity, ...machine };',
    test: SECURITY_TEST,
  },
];

const CALLERS = [
  {
    name: 'certificate-role-unchecked',
    file: SERVICE,
    from: "if (role === 'admin' || roles.includes(role)) return;",
    to: 'if (role) return;',
    test: CERTIFICATES_TEST,
  },
  {
    name: 'certificate-of-any-authority',
    file: SERVICE,
    from: 'rejectUnauthorized: true',
    to: 'rejectUnauthorized: false',
    test: CERTIFICATES_TEST,
  },
  {
    name: 'certificate-without-role-is-admin',
    file: 'packages/control/src/service/service-tls.ts',
    from: 'if (role) return role;',
    to: "return role ?? 'admin';",
    test: CERTIFICATES_TEST,
  },
  {
    name: 'users-are-administrators',
    file: SERVICE,
    from: "if (role === 'admin' || role === 'server') return",
    to: 'if (role) return',
    test: ACCESS_TEST,
  },
  {
    name: 'events-for-everyone',
    file: SERVICE,
    from: `'/v1/events',
      { onRequest: async (request) => checkRole(request, []) },`,
    to: `'/v1/events',
      {},`,
    test: CERTIFICATES_TEST,
  },
  {
    name: 'metrics-for-everyone',
    file: SERVICE,
    from: `'/metrics',
      { onRequest: async (request) => checkRole(request, ['server']) },`,
    to: `'/metrics',
      {},`,
    test: CERTIFICATES_TEST,
  },
  {
    name: 'engines-commanded-by-everyone',
    file: SERVICE,
    from: `'/v1/engines/:rank/:method',
      { onRequest: async (request) => checkRole(request, ['server']) },`,
    to: `'/v1/engines/:rank/:method',
      {},`,
    test: CERTIFICATES_TEST,
  },
  {
    name: 'console-files-for-everyone',
    file: SERVICE,
    from: 'serveConsoleFiles(this.#server, (request) => checkRole(request, []));',
    to: 'serveConsoleFiles(this.#server, () => {});',
    test: CERTIFICATES_TEST,
  },
  {
    name: 'insecure-on-public-addresses',
    file: 'packages/control/src/service/listen.ts',
    from: 'if (!isLoopback) {',
    to: 'if (!isLoopback && address === undefined) {',
    test: SERVICE_TEST,
  },
  {
    name: 'console-token-twice',
    file: 'packages/control/src/console/console-access.ts',
    from: 'this.#tokens.delete(digest);',
    to: '',
    test: 'packages/cli/src/console.test.ts',
    only: 'a token lets one browser in, once',
  },
];

const LISTS = [
  {
    name: 'owner-as-everyone',
    file: ACL,
    from: "isOwner ? find('OWNER@') : undefined",
    to: "isOwner ? find('EVERYONE@') : undefined",
    test: ACL_TEST,
  },
  {
    name: 'everyone-as-owner',
    file: ACL,
    from: "(isOwner ? find('OWNER@') : undefined)",
    to: "find('OWNER@')",
    test: ACL_TEST,
  },
  {
    name: 'groups-not-united',
    file: ACL,
    from: "return matching.map(({ rights }) => rights).join('');",
    to: "return matching[0]?.rights ?? '';",
    test: ACL_TEST,
  },
  {
    name: 'group-of-others',
    file: ACL,
    from: "principal === 'GROUP@' ? ownerGroup : principal",
    to: "principal === 'GROUP@' ? (groups[0] ?? '') : principal",
    test: MATRIX_TEST,
    only: 'of entries',
  },
  {
    name: 'everyone-added-to-groups',
    file: ACL,
    from: 'if (matching.length > 0) return',
    to: "if (matching.length > 0) return (find('EVERYONE@')?.rights ?? '') +",
    test: ACL_TEST,
  },
  {
    name: 'container-right-unchecked',
    file: AUTHORIZE,
    from: 'if (rights.some((right) => given.has(right))) return found;',
    to: 'if (rights.length > 0) return found;',
    test: ACCESS_TEST,
  },
  {
    name: 'pool-right-unchecked',
    file: AUTHORIZE,
    from: 'if (lacking) throw',
    to: 'if (lacking && !given) throw',
    test: ACCESS_TEST,
  },
  {
    name: 'owner-set-by-who-changes-the-list',
    file: 'packages/control/src/api/security-routes.ts',
    from: "if (changesOwner) await access.container(...names, 'o');",
    to: "if (changesOwner) await access.container(...names, 'o', 'A');",
    test: ACCESS_TEST,
  },
  {
    name: 'containers-given-away',
    file: 'packages/control/src/api/routes.ts',
    from: 'if (owner !== user || (',
    to: 'if (owner === undefined || (',
    test: ACCESS_TEST,
  },
  {
    name: 'pools-listed-to-all',
    file: AUTHORIZE,
    from: "return those(pools, seen);",
    to: 'return [...pools, ...those([], seen)] as T[];',
    test: ACCESS_TEST,
  },
  {
    name: 'containers-listed-to-all',
    file: AUTHORIZE,
    from: "this.#rightsOn('container', container).size > 0;",
    to: "this.#rightsOn('container', container).size >= 0;",
    test: ACCESS_TEST,
  },
  {
    name: 'hidden-container-told',
    file: AUTHORIZE,
    from: "if (given.size === 0) throw hidden('container', name);",
    to: '',
    test: ACCESS_TEST,
  },
  {
    name: 'hidden-pool-told',
    file: AUTHORIZE,
    from: "if (!given.has('t')) throw hidden('pool', name);",
    to: "if (!given.has('t')) throw denied(this.caller, 'pool', pool.label, 't');",
    test: ACCESS_TEST,
  },
];

const REQUESTS = [
  {
    name: 'answers-of-others-by-their-key',
    file: SERVICE,
    from: 'const asked = [route.method, request.url, request.body ?? null, who];',
    to: 'const asked = [route.method, request.url, request.body ?? null, !who];',
    test: ACCESS_TEST,
  },
  {
    name: 'key-without-its-request',
    file: 'packages/control/src/service/running-requests.ts',
    from: 'if (known === digest) return;',
    to: 'if (known !== digest || digest) return;',
    test: 'packages/control/src/service/answered-requests.test.ts',
  },
  {
    name: 'body-limit-off',
    file: SERVICE,
    from: 'bodyLimit: REQUEST_SIZE_MAX,',
    to: 'bodyLimit: 1 << 30,',
    test: SERVICE_TEST,
  },
  {
    name: 'request-timeout-off',
    file: SERVICE,
    from: '      requestTimeout: timeoutMs,\n',
    to: '',
    test: 'packages/control/src/service/slow-callers.test.ts',
    only: 'a body that trickle',
  },
  {
    name: 'path-traversal',
    file: 'packages/control/src/console/console-files.ts',
    from: "const file = files.get(name === '' ? 'index.html' : name);",
    to: `const root = dirname(createRequire(import.meta.url).resolve('@daos/console/package.json'));
    const known = files.get(name === '' ? 'index.html' : name);
    const file = known ?? { type: 'text/plain', content: readFileSync(join(root, 'dist', name)) };`,
    test: CERTIFICATES_TEST,
  },
  {
    name: 'audit-of-failures-omitted',
    file: SERVICE,
    from: 'if (isRoutine && reply.statusCode === 200) return;',
    to: 'if (isRoutine || reply.statusCode !== 200) return;',
    test: CERTIFICATES_TEST,
  },
  {
    name: 'audit-without-user',
    file: SERVICE,
    from: 'this.#callers.set(request, identity.user);',
    to: '',
    test: CERTIFICATES_TEST,
  },
  {
    name: 'replaced-host-commands-on',
    file: 'packages/server/src/system/engine-commands.ts',
    from: 'if (term < this.#term) {',
    to: 'if (term < 0) {',
    test: 'packages/server/src/system/engine-commands.test.ts',
  },
];

const CAPABILITIES = [
  {
    name: 'capability-of-readers-writes',
    file: 'packages/control/src/security/open-container.ts',
    from: 'mayWrite: !readOnly,',
    to: 'mayWrite: true,',
    test: SECURITY_TEST,
  },
  {
    name: 'pool-evicted-with-its-old-key',
    file: 'packages/control/src/pools/evict-pool.ts',
    from: '(old) => newSecret((old?.keyVersion ?? 0) + 1)',
    to: '(old) => old ?? newSecret(1)',
    test: SECURITY_TEST,
  },
  {
    name: 'eviction-without-serial',
    file: CAPABILITY,
    from: 'const serial = key.serial + 1;',
    to: 'const serial = Math.max(key.serial, 1);',
    test: SECURITY_TEST,
  },
  {
    name: 'engine-asks-for-no-capability',
    file: OPEN_CONTAINER,
    from: 'if (key) {\n    const uint64_t wallMs',
    to: 'if (false) {\n    const uint64_t wallMs',
    engine: 'addon',
    test: SECURITY_TEST,
  },
  {
    name: 'engine-keeps-evicted-handles',
    file: OPEN_CONTAINER,
    from: '    return Error(ErrorCode::kEvicted);\n',
    to: '',
    engine: 'addon',
    test: SECURITY_TEST,
  },
  {
    name: 'engine-reads-for-who-writes',
    file: OPEN_CONTAINER,
    from: 'if (!isWrite && !entry->origin.mayRead) {',
    to: 'if (false) {',
    engine: 'addon',
    test: MATRIX_TEST,
    only: 'who may write alone',
  },
  {
    name: 'engine-writes-for-who-reads',
    file: OPEN_CONTAINER,
    from: 'if (isWrite && entry->isReadOnly) {',
    to: 'if (false) {',
    engine: 'system/system_test',
    only: 'HandleRights.*',
  },
  {
    name: 'capability-seal-unchecked',
    file: POOL_KEY,
    from: 'if (!isSealOf(',
    to: 'if (false && !isSealOf(',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
  {
    name: 'capability-expiry-ignored',
    file: POOL_KEY,
    from: 'if (wallMs >= capability.expiresMs)',
    to: 'if (wallMs < 1)',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
  {
    name: 'capability-of-another-container',
    file: POOL_KEY,
    from: ' || capability.container != wanted.container) {',
    to: ') {',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
  {
    name: 'capability-of-another-pool',
    file: POOL_KEY,
    from: 'capability.pool != wanted.pool || ',
    to: '',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
  {
    name: 'capability-right-unchecked',
    file: POOL_KEY,
    from: 'if (!(capability.rights & needed)) {',
    to: 'if (!needed) {',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
  {
    name: 'capability-of-an-earlier-key',
    file: POOL_KEY,
    from: 'if (capability.keyVersion < key.version) return evicted(wanted);',
    to: '',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
  {
    name: 'handle-of-an-earlier-key',
    file: POOL_KEY,
    from: 'if (origin.keyVersion != version) return true;',
    to: '',
    engine: 'addon',
    test: SECURITY_TEST,
  },
  {
    name: 'capability-of-an-evicted-machine',
    file: POOL_KEY,
    from: 'isOfMachine ? eviction.machine == origin.machine :',
    to: 'isOfMachine ? false :',
    engine: 'engine/engine_test',
    only: 'PoolKey.*',
  },
];

export const GUARD_FAULTS = [...CREDENTIALS, ...CALLERS, ...LISTS, ...REQUESTS, ...CAPABILITIES];
