// The list of what happened since the page was opened, newest first.

import { byId, element } from './page.js';

const TOPICS = ['ranks', 'pools', 'containers'] as const;
const EVENT_COUNT_MAX = 100;

interface Change {
  key: string;
  value?: {
    rank?: number;
    label?: string;
    state?: string;
    reason?: string;
    mapVersion?: number;
  };
}

/** The browser connects again on its own, and misses nothing. */
export function watchEvents(): void {
  for (const topic of TOPICS) {
    const source = new EventSource(`/v1/events?topic=${topic}`);
    for (const type of ['put', 'delete']) {
      source.addEventListener(type, (event) => {
        show(topic, JSON.parse((event as MessageEvent<string>).data) as Change);
      });
    }
  }
}

function show(topic: (typeof TOPICS)[number], { key, value }: Change): void {
  const kind = topic.slice(0, -1);
  const name = value?.rank ?? value?.label ?? key.split('/').at(-1) ?? '';
  const what = value ? (value.state ?? 'changed') : 'gone';
  const reason = value?.reason === undefined ? '' : `: ${value.reason}`;
  const time = element('time', new Date().toLocaleTimeString());
  const list = byId('events');
  list.prepend(element('li', time, `${kind} ${name} is ${what}${reason}`));
  while (list.children.length > EVENT_COUNT_MAX) list.lastElementChild?.remove();
}
