/**
 * Whether some page of a program may be one that another process delivers, when it likes or never: then no thread of this
 * process may touch memory or files of programs, for it might wait for ever.
 *
 * There are two ways to such pages. With userfaultfd(2) a process delivers its own. And a page of a mapped file is delivered
 * by the file system, which may be another process (fuse(4)) or another machine. So none is there for as long as no
 * program of the run has made a file system or a userfaultfd, which the filter tells of, and no file system that was there
 * before is delivered by somebody else. What a program outside of the run makes meanwhile, and passes to one of it, is not
 * seen; whoever has one there can stop this process as well (kill(2)).
 *
 * @module
 */
let ask: () => boolean = () => false;

/** Says how it is known. Until then, no page is. */
export function askServed(how: () => boolean): void {
  ask = how;
}

/** Whether memory and files of programs may be delivered by others. */
export function isServed(): boolean {
  return ask();
}
