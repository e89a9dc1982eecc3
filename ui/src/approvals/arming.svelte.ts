/**
 * A request that has only just appeared takes no click and no key: the owner meant to click something else. The
 * same holds when the window comes to the front under a pointer that is on its way.
 */
const MOMENT_MS = 450;

export class Arming {
  armed = $state(false);

  /** To be called while a component is set up. Arms anew whenever `subject` gives another. */
  constructor(subject: () => unknown) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      clearTimeout(timer);
      this.armed = false;
      timer = setTimeout(() => (this.armed = true), MOMENT_MS);
    };
    $effect(() => {
      subject();
      again();
      window.addEventListener('focus', again);
      return () => {
        clearTimeout(timer);
        window.removeEventListener('focus', again);
      };
    });
  }
}
