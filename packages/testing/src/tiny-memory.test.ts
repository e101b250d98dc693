import { checkDecoder } from './check-decoder.js'
import { checkGenerator } from './check-generator.js'
import { tinyDecoder, tinyGenerator } from './tiny-memory.js'

checkDecoder({ plugin: () => tinyDecoder() })
checkGenerator({ plugin: () => tinyGenerator() })
