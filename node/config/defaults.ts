/** Every address of the machine; one without IPv6 goes on without. */
export const DEFAULT_LISTEN: readonly string[] = ['0.0.0.0', '::']

/** Unassigned in IANA's registry, and outside what Linux and macOS hand out for outgoing connections. */
export const DEFAULT_PORT = 7667

/** Programs that people ask a machine for. Those that are there become `Software`, with versions where they tell. */
export const DEFAULT_SOFTWARE: readonly string[] = [
  'bash',
  'python3',
  'perl',
  'ruby',
  'node',
  'java',
  'gcc',
  'g++',
  'clang',
  'make',
  'cmake',
  'go',
  'rustc',
  'R',
  'julia',
  'octave',
  'git',
  'ffmpeg',
  'blender',
  'gnuplot',
  'mpirun',
  'docker',
  'podman',
  'apptainer',
]
