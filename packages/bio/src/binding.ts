// The functions of native/node/media_binding.cc.
import { loadAddon, type Addon, type NativeFunction } from '@daos/native';

export interface MediaBinding {
  mediaOpenMemory: NativeFunction;
  mediaOpenFile: NativeFunction;
  mediaClose: NativeFunction;
  mediaRead: NativeFunction;
  mediaWrite: NativeFunction;
  mediaFlush: NativeFunction;
  mediaDiscard: NativeFunction;
  mediaQuery: NativeFunction;
  mediaAllocate: NativeFunction;
}

export const loadMedia = (): Addon<MediaBinding> => loadAddon<MediaBinding>('engine');
