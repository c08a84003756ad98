// An adapter in JavaScript, for servers that speak OpenAI's chat API. It hands the request on as it came and
// reads every piece of the answer. What it adds is its setting `prefix`: every answer begins with it.
//
// wit/0.1.0/adapter.wit documents what is exported. In JavaScript its names are in camelCase, a variant is
// `{ tag, val }`, an option without a value is undefined, and a u64 is a BigInt.

const settings = {
  type: 'object',
  properties: { prefix: { type: 'string', description: 'What every answer begins with. Default: nothing.' } },
  additionalProperties: false,
};

// Whom a failure concerns, by its kind. Some of the kinds are codes of the vendor too.
const scopes = new Map([
  ...['invalid_request', 'context_length_exceeded'].map((kind) => [kind, 'request']),
  ...['authentication_error', 'permission_denied', 'insufficient_quota'].map((kind) => [kind, 'account']),
  ...['service_unavailable', 'timeout'].map((kind) => [kind, 'endpoint']),
  ...['rate_limit_exceeded', 'model_not_found', 'internal_error'].map((kind) => [kind, 'candidate']),
]);

// What an HTTP status says, where the vendor's code does not say it better.
const kinds = {
  400: 'invalid_request', 401: 'authentication_error', 402: 'insufficient_quota', 403: 'permission_denied',
  404: 'unknown_error', 408: 'timeout', 429: 'rate_limit_exceeded', 500: 'internal_error',
  502: 'service_unavailable', 503: 'service_unavailable', 504: 'service_unavailable',
};

class Exchange {
  #prefix;
  #streaming;
  #begun = new Set(); // the choices whose text has begun
  #answered = false;

  static start(call, target) {
    const exchange = new Exchange();
    exchange.#prefix = JSON.parse(target.settings).prefix ?? '';
    exchange.#streaming = call.streaming;
    const key = { name: 'authorization', prefix: 'Bearer ', value: { tag: 'field', val: 'api_key' } };
    const request = {
      method: 'POST',
      path: '/chat/completions',
      headers: [],
      credentials: [{ tag: 'header', val: key }],
      body: { tag: 'unchanged' },
      framing: call.streaming ? 'sse' : 'whole',
      canonical: false,
      wantHead: false,
    };
    return [exchange, progress({ tag: 'send', val: request })];
  }

  advance(_now, input) {
    const result = progress({ tag: 'more' });
    try {
      result.next = this.#read(input, result) ?? result.next;
    } catch (error) {
      // Not JSON, or of another shape. The vendor is to blame; were this a trap, the plugin would be.
      result.next = failure('malformed_reply', `the vendor's reply cannot be read: ${error.message}`);
    }
    return result;
  }

  // Adds what the input brought to the result; says what is next unless that is more of the same.
  #read({ tag, val }, result) {
    if (tag === 'reply') return this.#answer(val, result);
    if (tag === 'end') return failure('malformed_reply', 'the stream ended before the answer was complete');
    if (tag !== 'events') return;
    for (const { data } of val) {
      const next = this.#event(text(data), result);
      if (next) return next;
    }
  }

  #answer({ head, body }, result) {
    if (head.status >= 300) return refused(head, text(body));
    const answer = JSON.parse(text(body));
    if (answer.error) return reported(answer.error);
    if (this.#streaming) return failure('malformed_reply', 'a whole answer came in place of a stream');
    for (const { index, message } of answer.choices) this.#begin(index, message);
    this.#write(answer, true, result);
    return { tag: 'done' };
  }

  #event(data, result) {
    if (data === '[DONE]' && this.#answered) return { tag: 'done' };
    const chunk = JSON.parse(data);
    if (chunk.error) return reported(chunk.error);
    for (const { index, delta } of chunk.choices) this.#begin(index, delta);
    this.#write(chunk, chunk.choices.some(({ delta }) => saysSomething(delta)), result);
  }

  #begin(index, said) {
    if (!said?.content || this.#begun.has(index)) return;
    said.content = this.#prefix + said.content;
    this.#begun.add(index);
  }

  #write(canonical, token, result) {
    if (canonical.usage) result.usage = counts(canonical.usage);
    result.chunks.push({ data: new TextEncoder().encode(JSON.stringify(canonical)), token });
    this.#answered = true;
  }
}

const text = (bytes) => new TextDecoder().decode(bytes);
const progress = (next) => ({ chunks: [], usage: [], limits: [], warnings: [], next });

function failure(kind, message, details) {
  const scope = scopes.get(kind) ?? 'candidate';
  return { tag: 'failed', val: { kind, scope, message, renewToken: false, ...details } };
}

// An error reply. Its body may be anything: JSON, a page, nothing.
function refused({ status, headers }, body) {
  let error;
  try {
    error = JSON.parse(body).error;
  } catch {}
  const seconds = headers.find(({ name }) => name.toLowerCase() === 'retry-after')?.value;
  const retryAfter = /^[1-9]\d{0,8}$/.test(seconds) ? BigInt(seconds) * 1000n : undefined;
  return reported(error ?? `the vendor answered with status ${status}`, status, retryAfter);
}

// An error in the vendor's words. One inside a success has no status, but may say one as its code.
function reported(error, status = Number(error.code), retryAfter) {
  const { message, code, type, param } = typeof error === 'object' ? error : { message: error };
  const known = [code, type].find((word) => scopes.has(word));
  const kind = known ?? kinds[status] ?? kinds[status - (status % 100)] ?? 'unknown_error';
  const words = (value) => (value == null ? undefined : String(value));
  const said = words(message) ?? 'the vendor reported an error without a message';
  return failure(kind, said, { vendorCode: words(code ?? type), param: words(param), retryAfter });
}

// Whether a delta carries output: any member but the role that holds something.
function saysSomething(delta) {
  const { role, ...output } = delta ?? {};
  return Object.values(output).some((value) => value != null && value.length !== 0);
}

// The vendor counts cached tokens as input and reasoning as output too; here no classes overlap.
function counts(usage) {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? 0;
  const input = (usage.prompt_tokens ?? 0) - cached;
  const output = (usage.completion_tokens ?? 0) - reasoning;
  const classes = Object.entries({ input, output, reasoning, 'cached-input': cached });
  return classes.map(([name, tokens]) => ({ class: name, tokens: BigInt(Math.max(tokens, 0)) }));
}

export const adapter = {
  Exchange,
  describe: () => ({
    vendor: 'javascript',
    version: '0.1.0',
    operations: ['chat'],
    endpoints: [{ name: 'api' }],
    credentials: [{ name: 'api_key', secret: true, required: true, help: "the server's bearer token" }],
    settingsSchema: JSON.stringify(settings),
    replyHeaders: ['retry-after'],
    features: '{}',
  }),
  renew: () => undefined, // the key is used as it is
};
