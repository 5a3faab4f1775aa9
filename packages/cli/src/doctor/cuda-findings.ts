import type { CudaProvider } from '@ner-retriever/core';
import { formatBytes } from '../terminal/format.js';
import { importAsCore } from './core-require.js';
import type { Finding } from './finding.js';

/** The part of @ner-retriever/native that is used here. */
interface Native {
  info(): { readonly cuda: CudaSupport };
  probeCuda(): Promise<CudaProbe>;
}

interface CudaSupport {
  readonly available: boolean;
  readonly library: string;
  readonly libraryFault: string | null;
  readonly driver: string | null;
}

type CudaProbe =
  | { readonly usable: false; readonly reason: string }
  | {
      readonly usable: true;
      readonly devices: number;
      readonly device: {
        readonly name: string;
        readonly computeCapability: string;
        readonly memoryBytes: number;
        readonly freeBytes: number;
        readonly driverVersion: string;
        readonly runtimeVersion: string;
        readonly blas: string;
      };
    };

const withoutGpu = 'not needed: the CPU does all of it';

/**
 * What a GPU needs, in the order in which one thing needs the other: the CUDA library, the driver, a card that answers right, and what
 * makes it faster. Nothing of it is broken for want of a GPU.
 */
export async function* cudaFindings(): AsyncGenerator<Finding> {
  const native = await importAsCore<Native>('@ner-retriever/native');
  const { available, library, libraryFault, driver } = native.info().cuda;
  yield libraryFault === null
    ? { subject: 'CUDA library', state: 'ok', says: library }
    : { subject: 'CUDA library', state: 'absent', says: `${withoutGpu}. ${libraryFault}` };
  yield driver === null
    ? {
        subject: 'NVIDIA driver',
        state: 'absent',
        says: `${withoutGpu}. The kernel has loaded none`,
        remedy:
          'With an NVIDIA GPU: install its driver (nvidia-smi lists the GPU then); in a container, start it with --gpus all.',
      }
    : { subject: 'NVIDIA driver', state: 'ok', says: driver === 'unknown' ? 'loaded, version unknown' : driver };
  if (available) yield* gpuFindings(await native.probeCuda());
  yield await providerFinding();
}

function gpuFindings(probe: CudaProbe): Finding[] {
  if (!probe.usable) {
    return [
      {
        subject: 'GPU',
        state: 'absent',
        says: `cannot be used, so that the CPU does all of it: ${probe.reason}`,
        remedy: 'nvidia-smi says whether driver and GPU work; a container must be started with its GPUs (--gpus all).',
      },
    ];
  }
  const { devices, device } = probe;
  const memory = `${formatBytes(device.memoryBytes)} of memory, ${formatBytes(device.freeBytes)} free`;
  const versions = `compute capability ${device.computeCapability}, driver for CUDA ${device.driverVersion}, built with ${device.runtimeVersion}`;
  const others = devices > 1 ? `; the first of ${devices}: CUDA_VISIBLE_DEVICES chooses` : '';
  const hasBlas = device.blas.startsWith('cuBLAS');
  return [
    {
      subject: 'GPU',
      state: 'ok',
      says: `${device.name}, ${memory}, ${versions}; computes and searches right${others}`,
    },
    hasBlas
      ? { subject: 'cuBLAS', state: 'ok', says: device.blas }
      : { subject: 'cuBLAS', state: 'absent', says: `not needed: own kernels multiply without (${device.blas})` },
  ];
}

async function providerFinding(): Promise<Finding> {
  const { cudaProvider } = await import('@ner-retriever/core');
  const { installed, directory, install }: CudaProvider = cudaProvider();
  const subject = 'ONNX on a GPU';
  if (installed) {
    return {
      subject,
      state: 'ok',
      says: `ONNX Runtime's CUDA provider lies in ${directory}; it needs CUDA 12 and cuDNN 9`,
    };
  }
  return {
    subject,
    state: 'absent',
    says: `${withoutGpu}. ONNX Runtime's CUDA provider is not installed: encoders run on the CPU`,
    remedy: `To have it, on a machine with CUDA 12 and cuDNN 9: ${install}`,
  };
}
