import { datasetCacheFolder, download, type FetchData, type PublishedFile } from '@lgm/download'

/** Where the authors publish the files. */
export const officialUrl = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'

/** The published files. The connection is not encrypted; the checksums make sure of the contents. */
export const publishedFiles: readonly PublishedFile[] = [
  {
    name: 'train-images-idx3-ubyte.gz',
    bytes: 26_421_880,
    sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
  },
  {
    name: 'train-labels-idx1-ubyte.gz',
    bytes: 29_515,
    sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
  },
  {
    name: 't10k-images-idx3-ubyte.gz',
    bytes: 4_422_102,
    sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
  },
  {
    name: 't10k-labels-idx1-ubyte.gz',
    bytes: 5_148,
    sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
  },
]

/**
 * Fetches Fashion-MNIST, 31 MB, into the user's cache folder or the folder given: checked against the checksums of the published files,
 * each file whole or not at all; what is there already is left alone, and an interrupted download goes on where it stopped.
 *
 * @throws LgmError `data` as `download` does.
 * @example
 * await fetchData({ log: line => process.stderr.write(`${line}\n`) })
 */
export const fetchData: FetchData = async ({ folder, baseUrl, log, signal } = {}) =>
  await download({
    files: publishedFiles,
    folder: folder ?? datasetCacheFolder('fashion-mnist'),
    baseUrl: baseUrl ?? officialUrl,
    where: 'dataset "fashion-mnist"',
    remedy: 'or install the files with: apt install dataset-fashion-mnist',
    ...(log ? { log } : {}),
    ...(signal ? { signal } : {}),
  })
