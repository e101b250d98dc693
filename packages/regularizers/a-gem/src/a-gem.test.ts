import { checkRegularizer } from '@lgm/testing'
import { aGem } from './a-gem.js'

checkRegularizer({ plugin: () => aGem() })
checkRegularizer({ plugin: () => aGem({ perClass: 3, batchSize: 4 }), scenario: 'domain' })
checkRegularizer({ plugin: () => aGem({ protect: 'embedder' }), scenario: 'task' })
