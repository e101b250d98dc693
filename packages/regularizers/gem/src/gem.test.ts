import { checkRegularizer } from '@lgm/testing'
import { gem } from './gem.js'

checkRegularizer({ plugin: () => gem() })
checkRegularizer({ plugin: () => gem({ perClass: 3, batchSize: 4, margin: 0 }), scenario: 'domain' })
checkRegularizer({ plugin: () => gem({ protect: 'embedder' }), scenario: 'task' })
