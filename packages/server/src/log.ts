// Log lines: time, level, what, and details as JSON. Written at once, so that the last line before
//            a kill is there.

import { writeSync } from 'node:fs';
import type { Log } from '@daos/control';
import { LOG_LEVELS, type LogLevel } from './config/server-config.js';

const STANDARD_ERROR = 2;

/** A line of an engine: its level, and what it says. */
const ENGINE_LINE = /^(debug|info|warning|error): (.*)$/;

/** A log whose level can be changed while it is in use. */
export class LineLog implements Log {
  level: LogLevel;
  readonly #descriptor: number;

  constructor(level: LogLevel, descriptor = STANDARD_ERROR) {
    this.level = level;
    this.#descriptor = descriptor;
  }

  debug(message: string, details?: object): void {
    this.#write('debug', message, details);
  }

  info(message: string, details?: object): void {
    this.#write('info', message, details);
  }

  warn(message: string, details?: object): void {
    this.#write('warning', message, details);
  }

  error(message: string, details?: object): void {
    this.#write('error', message, details);
  }

  /** What an engine printed, at the level that it has there. */
  engineLine(rank: number, line: string): void {
    const [, level = 'info', text = line] = ENGINE_LINE.exec(line) ?? [];
    this.#write(level as LogLevel, `rank ${rank}: ${text}`);
  }

  #write(level: LogLevel, message: string, details?: object): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.level)) return;
    const tail = details ? ` ${JSON.stringify(details)}` : '';
    const line = `${new Date().toISOString()} ${level} ${message}${tail}\n`;
    try {
      writeSync(this.#descriptor, line);
    } catch {
      // A full disk or a closed pipe must not end the server; there is nowhere left to tell of it.
    }
  }
}
